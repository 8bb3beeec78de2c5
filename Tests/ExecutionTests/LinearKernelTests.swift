// Linear models by every family of kernels this machine can run: any number of rows gives what each gives alone,
// and the logistic function gives the C library's bits.
//
// SERIN_SIGMOID_STEP=1 tries every float there is (a minute in a release build), not every 4,099th.

import CKernels
import Foundation
import Testing

@Suite struct LinearKernelTests {
    private let families = [serin_stage_kernels_scalar(), serin_stage_kernels_avx2(), serin_stage_kernels_avx512()]
        .compactMap { $0 }

    private func name(_ kernels: UnsafePointer<serin_stage_kernels>) -> String { String(cString: kernels.pointee.name) }

    private static func sigmoidStage(_ input: UnsafePointer<serin_value>, _ width: Int) -> serin_stage_view {
        var stage = serin_stage_view()
        stage.kind = UInt32(SERIN_STAGE_TRANSFORM)
        stage.detail = UInt32(SERIN_TRANSFORM_SIGMOID)
        stage.width = UInt32(width)
        stage.scalars.0 = 1
        (stage.input, stage.output) = (input, input)
        return stage
    }

    @Test func theLogisticFunctionIsTheCLibrarysToTheBit() {
        let step = ProcessInfo.processInfo.environment["SERIN_SIGMOID_STEP"].flatMap { UInt64($0) } ?? 4_099
        // Not a whole number of vectors, so that their last lanes are tried too.
        let count = 1_021
        var column = serin_value(columns: 1, width: UInt32(SERIN_FLOAT32), place: 0)
        let x = UnsafeMutablePointer<Float>.allocate(capacity: count)
        let wanted = UnsafeMutablePointer<Float>.allocate(capacity: count)
        let y = UnsafeMutablePointer<Float>.allocate(capacity: count)
        defer { for numbers in [x, wanted, y] { numbers.deallocate() } }
        var different = 0
        withUnsafePointer(to: &column) { column in
            var stage = Self.sigmoidStage(column, SERIN_FLOAT32)
            var bits: UInt64 = 0
            while bits <= UInt32.max {
                for place in 0..<count {
                    x[place] = Float(bitPattern: UInt32(truncatingIfNeeded: bits))
                    bits += step
                    wanted[place] = 1 / (expf(88.7 < -x[place] ? 88.7 : -x[place]) + 1 + 1e-16)
                }
                for kernels in families {
                    kernels.pointee.run(&stage, x, y, count)
                    for place in 0..<count where y[place] != wanted[place] && !(y[place].isNaN && x[place].isNaN) {
                        different += 1
                        if different < 10 { Issue.record("\(name(kernels)), \(x[place]): \(y[place])") }
                    }
                }
            }
        }
        #expect(different == 0)
    }

    private struct Scored<Number> {
        var margins, scores: [Number]
        var areFinite: Bool
    }

    /// A number behind the margins and one behind the scores must stay as they are.
    private func run<Number: BinaryFloatingPoint>(
        _ kernels: UnsafePointer<serin_stage_kernels>, weights: [Number], bias: Number, rows: ArraySlice<Number>,
        activation: Int, isSigmoid: Bool, margins isWanted: Bool
    ) -> Scored<Number> {
        let (inputs, count) = (weights.count, rows.count / weights.count)
        let width = MemoryLayout<Number>.size == 4 ? SERIN_FLOAT32 : SERIN_FLOAT64
        let packed = UnsafeMutableRawPointer.allocate(
            byteCount: serin_dense_weight_count(UInt32(width), inputs, 1) * MemoryLayout<Number>.size, alignment: 64)
        defer { packed.deallocate() }
        memset(packed, 0, serin_dense_weight_count(UInt32(width), inputs, 1) * MemoryLayout<Number>.size)
        weights.withUnsafeBytes { serin_dense_pack(UInt32(width), inputs, 1, $0.baseAddress!, packed) }
        let values = [
            serin_value(columns: UInt32(inputs), width: UInt32(width), place: 0),
            serin_value(columns: 1, width: UInt32(width), place: 0),
        ]
        var margins = [Number](repeating: 77, count: count + 1)
        var scores = margins
        let areFinite = values.withUnsafeBufferPointer { values in
            withUnsafePointer(to: bias) { bias in
                var layer = serin_stage_view()
                layer.kind = UInt32(SERIN_STAGE_DENSE)
                layer.detail = UInt32(activation)
                layer.width = UInt32(width)
                (layer.input, layer.output) = (values.baseAddress!, values.baseAddress! + 1)
                layer.parameters.0 = UnsafeRawPointer(packed)
                layer.parameters.1 = UnsafeRawPointer(bias)
                let stages = [layer] + (isSigmoid ? [Self.sigmoidStage(values.baseAddress! + 1, width)] : [])
                return stages.withUnsafeBufferPointer { stages in
                    var program = serin_program()
                    program.stages = stages.baseAddress
                    program.stage_count = stages.count
                    return rows.withUnsafeBytes { rows in
                        margins.withUnsafeMutableBytes { margins in
                            scores.withUnsafeMutableBytes {
                                kernels.pointee.run_linear(
                                    &program, rows.baseAddress!, count, isWanted ? margins.baseAddress : nil,
                                    $0.baseAddress!)
                            }
                        }
                    }
                }
            }
        }
        #expect(margins.removeLast() == 77 && scores.removeLast() == 77)
        if !isWanted { #expect(margins.allSatisfy { $0 == 77 }) }
        return Scored(margins: margins, scores: scores, areFinite: areFinite != 0)
    }

    private func check<Number: BinaryFloatingPoint>(_: Number.Type, _ random: inout SeededGenerator) {
        for inputs in [1, 8, 15, 30, 32, 33, 70] {
            let activation = [SERIN_ACTIVATION_IDENTITY, SERIN_ACTIVATION_RELU, SERIN_ACTIVATION_TANH]
                .randomElement(using: &random)!
            let isSigmoid = random.chance(0.7)
            let number = { (random: inout SeededGenerator) in Number(Float.random(in: -1...1, using: &random)) }
            let weights = (0..<inputs).map { _ in number(&random) }
            let bias = number(&random)
            let all = (0..<inputs * 300).map { _ in number(&random) }
            for kernels in families {
                func scored(_ rows: Range<Int>, margins: Bool = true) -> Scored<Number> {
                    run(
                        kernels, weights: weights, bias: bias,
                        rows: all[rows.lowerBound * inputs..<rows.upperBound * inputs], activation: activation,
                        isSigmoid: isSigmoid, margins: margins)
                }
                let alone = (0..<300).map { scored($0..<$0 + 1) }
                for count in Array(2...20) + [31, 32, 33, 127, 128, 129, 144, 300] {
                    let together = scored(0..<count)
                    #expect(together.margins == alone[..<count].flatMap(\.margins), "\(name(kernels)), \(count) rows")
                    #expect(together.scores == alone[..<count].flatMap(\.scores), "\(name(kernels)), \(count) rows")
                    #expect(together.areFinite)
                    #expect(scored(0..<count, margins: false).scores == together.scores)
                }
            }
        }
    }

    @Test func rowsTogetherAreRowsAlone() {
        var random = SeededGenerator(seed: 12)
        check(Float.self, &random)
        check(Double.self, &random)
    }

    /// Wherever it stands, also where a vector's last lanes repeat other rows.
    @Test func oneRowThatIsNotFiniteIsSeen() {
        for kernels in families {
            for count in [1, 2, 5, 16, 19, 130] {
                for place in Set([0, count / 2, count - 1]) {
                    for value in [Float.infinity, -.infinity, .nan] {
                        var rows = [Float](repeating: 0.5, count: count * 3)
                        rows[place * 3 + 1] = value
                        let result = run(
                            kernels, weights: [1, 2, 3], bias: 0.5, rows: rows[...],
                            activation: SERIN_ACTIVATION_IDENTITY, isSigmoid: true, margins: false)
                        #expect(!result.areFinite, "\(name(kernels)), \(count) rows, \(value) in row \(place)")
                    }
                }
            }
        }
    }
}
