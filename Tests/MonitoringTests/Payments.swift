// Real rows for the detector: healthy payments of the generator that the shipped models' data come from, made with another
// seed, so of people that fraud/1 has not seen; and what goes wrong with them.
//
// Tests/Fixtures/drift/payments.f32 holds 2,000 of sixty days. SERIN_DRIFT_ROWS names a file with all of them, by day, as
// Tests/EndToEnd/harness/payments.py writes it.

import Configuration
import Foundation
import Inference
import Primitives
import Registry

@testable import Monitoring

/// What happens to the rows of a caller that has made a mistake, or whose business has changed.
enum DriftFault: String, CaseIterable {
    case scaledAmount, swappedColumns, missingFeature, newCategory, shiftedMix

    /// The variable that must say so.
    var feature: String {
        switch self {
        case .scaledAmount: "amount"
        case .swappedColumns: "count_30d"
        case .missingFeature: "account_age"
        case .newCategory: "home_country"
        case .shiftedMix: "merchant_category"
        }
    }

    /// Spoils one row. `place`: of a feature by its name.
    func spoil(_ row: inout [Float], number: Int, place: (String) -> Int) {
        switch self {
        case .scaledAmount: row[place("amount")] *= 10
        case .swappedColumns: row.swapAt(place("count_7d"), place("count_30d"))
        case .missingFeature: row[place("account_age")] = .nan
        case .newCategory: if number % 5 == 0 { row[place("home_country")] = 77 }
        case .shiftedMix: if number % 3 == 0 { row[place("merchant_category")] = 14 }
        }
    }
}

/// Rows of one kind, with the model's scores.
struct PaymentPool: Sendable {
    var values: [Float] = []
    var scores: [Float] = []
    var count: Int { scores.count }
}

struct Payments: Sendable {
    static let packageFolder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    let bundle: LoadedBundle
    let layout: DriftLayout
    /// One for each day that the file has.
    let days: [PaymentPool]

    /// fraud/1 and the rows of the file.
    static let shipped = Result { try Payments() }

    private init() throws {
        let root = Self.packageFolder
        bundle = try BundleLoader.load(directory: root.appending(path: "models/fraud/1").path())
        guard let profile = bundle.profile else {
            throw ConfigurationError(source: "fraud/1", message: "has no profile")
        }
        layout = DriftLayout(profile, bundle.input.features)
        let path =
            ProcessInfo.processInfo.environment["SERIN_DRIFT_ROWS"]
            ?? root.appending(path: "Tests/Fixtures/drift/payments.f32").path()
        let bytes = try FileBytes.read(path, limit: 1 << 30)
        let numbers = bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
        let width = bundle.input.features.count + 1
        guard !numbers.isEmpty, numbers.count % width == 0 else {
            throw ConfigurationError(source: path, message: "expected rows of \(width) floats")
        }
        var byDay: [Float: PaymentPool] = [:]
        for start in stride(from: 0, to: numbers.count, by: width) {
            let row = Array(numbers[start + 1..<start + width])
            byDay[numbers[start], default: PaymentPool()].append(row, try Self.score(row, bundle))
        }
        days = byDay.sorted { $0.key < $1.key }.map(\.value)
    }

    private static func score(_ row: [Float], _ bundle: LoadedBundle) throws -> Float {
        let cells = row.map { $0.isNaN ? GoldenRow.Cell.missing : .number(Double($0)) }
        let line = GoldenRow(cells: cells, inputType: .float32, margins: [], scores: [])
        guard let score = bundle.scores(of: line, as: .float32)?.first else {
            throw ConfigurationError(source: "payments", message: "the manifest refuses a row")
        }
        return Float(score)
    }

    /// The first day's rows after a fault, scored again.
    func spoiled(by fault: DriftFault) throws -> PaymentPool {
        let names = bundle.input.features.map(\.name)
        var pool = PaymentPool()
        for number in 0..<days[0].count {
            var row = Array(days[0].values[number * names.count..<(number + 1) * names.count])
            fault.spoil(&row, number: number) { name in names.firstIndex(of: name) ?? 0 }
            pool.append(row, try Self.score(row, bundle))
        }
        return pool
    }
}

extension PaymentPool {
    fileprivate mutating func append(_ row: [Float], _ score: Float) {
        values += row
        scores.append(score)
    }

    /// Counts `rows` of them, drawn with replacement, one by one as single requests are.
    func draw(_ rows: Int, into shard: DriftShard, _ random: inout SplitMix64) {
        let stride = values.count / count
        values.withUnsafeBufferPointer { values in
            scores.withUnsafeBufferPointer { scores in
                guard let values = values.baseAddress, let scores = scores.baseAddress else { return }
                for _ in 0..<rows {
                    let row = random.below(count)
                    shard.count(
                        values: values + row * stride, isDouble: false, scores: scores + row, scoresAreDouble: false,
                        rows: 1)
                }
            }
        }
    }
}

extension SplitMix64 {
    mutating func below(_ bound: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(bound)).high) }

    mutating func unit() -> Double { Double(next() >> 11) / 9_007_199_254_740_992 }
}
