// Versions, ids and labels as the tests make them up.

import Inference

@testable import Monitoring

enum Labelled {
    static let features = [
        FeatureSpec(name: "amount", kind: .number),
        FeatureSpec(name: "country", kind: .category, categories: ["DE", "FR", "IT", "ES"]),
        FeatureSpec(name: "new", kind: .boolean),
    ]

    static func subject(
        model: String = "fraud", columns: Int = 1, classes: [String] = ["genuine", "fraud"], threshold: Double = 0.5,
        positive: Int = 1
    ) -> LabelSubject {
        LabelSubject(
            model: model, version: "1", digest: "ab",
            output: ModelOutput(
                scoreType: .float64, columns: columns, objective: "binary:logistic", classes: classes,
                threshold: threshold, positive: positive),
            features: features, amount: "amount", groups: ["country"])
    }

    static func row(
        _ index: Int, score: Double, decision: Int, label: Int?, amount: Double? = nil, group: UInt8 = 0,
        day: Int = 20_000, delayDays: Int = 0, arm: String = "stable", isFallback: Bool = false,
        subject: LabelSubject = subject()
    ) -> LabelRow {
        let millis = Int64(day) * LabelRow.dayMillis
        return LabelRow(
            number: RequestNumber(high: UInt64(millis) << 16, low: UInt32(index)), row: 0, identity: subject.identity,
            arm: arm,
            isFallback: isFallback, score: score, decision: decision, amount: amount, groups: [group], label: label,
            revision: 0, labelledAt: millis + Int64(delayDays) * LabelRow.dayMillis, receivedAt: millis)
    }

    static func key(_ number: UInt8, _ byte: UInt8 = 7) -> PredictionKey {
        guard let key = PredictionKey(number: number, bytes: Array(repeating: byte, count: 16)) else {
            preconditionFailure("16 bytes are a key")
        }
        return key
    }

    /// An id of these values, and what was put into it.
    static func id(
        _ stamp: PredictionStamp, _ values: [Double], score: Double = 0.75, isDouble: Bool = true, arm: UInt8? = 0,
        armName: String = "stable", isFallback: Bool = false, row: Int? = 3, isWide: Bool = false, decision: Int = 1,
        millis: UInt64 = 1_763_755_200_123,
        singles: Bool = false
    ) -> [UInt8] {
        var text = [UInt8](repeating: 0, count: PredictionStamp.textMax)
        let floats = values.map(Float.init)
        let count = Array(armName.utf8).withUnsafeBytes { name in
            let mark = PredictionMark(
                number: RequestNumber(millis: millis, own: 0x1234_5678_9abc_def0), row: row, isWide: isWide,
                score: score, isDouble: isDouble, decision: decision, isFallback: isFallback, arm: arm, armName: name)
            return text.withUnsafeMutableBytes { out in
                singles
                    ? floats.withUnsafeBytes {
                        stamp.write(mark, values: $0.baseAddress!, isDouble: false, to: out.baseAddress!)
                    }
                    : values.withUnsafeBytes {
                        stamp.write(mark, values: $0.baseAddress!, isDouble: true, to: out.baseAddress!)
                    }
            }
        }
        return Array(text[..<count])
    }

    static func stamp(_ key: PredictionKey = key(1), amount: Bool = true, groups: Bool = true) -> PredictionStamp {
        PredictionStamp(
            key, identity: subject().identity, amountColumn: amount ? 0 : nil,
            groups: groups ? [.init(column: 1, values: 4), .init(column: 2, values: 2)] : [])
    }
}
