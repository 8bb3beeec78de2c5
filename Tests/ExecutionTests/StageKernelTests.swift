// Every family of stage kernels this machine can run: layers against sums in double, activations
// against the C library, AVX2 and AVX-512 against each other to the bit.

import CKernels
import Foundation
import Testing

@Suite struct StageKernelTests {
    private let families: [(name: String, kernels: UnsafePointer<serin_stage_kernels>)] =
        [serin_stage_kernels_scalar(), serin_stage_kernels_avx2(), serin_stage_kernels_avx512()]
        .compactMap { $0.map { (String(cString: $0.pointee.name), $0) } }

    /// Memory that starts on a cache line, as parameters in an image do.
    private func aligned<Number>(_ numbers: [Number]) -> UnsafeMutableRawPointer {
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: max(64, numbers.count * MemoryLayout<Number>.stride), alignment: 64)
        numbers.withUnsafeBytes {
            memory.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(memory), byteCount: $0.count)
        }
        return memory
    }

    private func run<Number: BinaryFloatingPoint>(
        _ kernels: UnsafePointer<serin_stage_kernels>, _ stage: serin_stage_view, _ x: [Number], rows: Int,
        inputs: Int, outputs: Int
    ) -> [Number] {
        var stage = stage
        stage.width = UInt32(MemoryLayout<Number>.size == 4 ? SERIN_FLOAT32 : SERIN_FLOAT64)
        var input = serin_value(columns: UInt32(inputs), width: stage.width, place: 0)
        var output = serin_value(columns: UInt32(outputs), width: stage.width, place: 0)
        // One number behind the output must stay as it is.
        var y = [Number](repeating: 77, count: rows * outputs + 1)
        withUnsafePointer(to: &input) { input in
            withUnsafePointer(to: &output) { output in
                stage.input = input
                stage.output = output
                x.withUnsafeBytes { x in
                    y.withUnsafeMutableBytes { kernels.pointee.run(&stage, x.baseAddress!, $0.baseAddress!, rows) }
                }
            }
        }
        #expect(y.removeLast() == 77)
        return y
    }

    /// Outputs of one family for one layer.
    private func dense<Number: BinaryFloatingPoint>(
        _ kernels: UnsafePointer<serin_stage_kernels>, _ weights: [Number], _ bias: [Number], _ x: [Number], rows: Int,
        inputs: Int, activation: Int
    ) -> [Number] {
        let width = UInt32(MemoryLayout<Number>.size == 4 ? SERIN_FLOAT32 : SERIN_FLOAT64)
        let outputs = bias.count
        let packed = aligned([Number](repeating: 0, count: serin_dense_weight_count(width, inputs, outputs)))
        weights.withUnsafeBytes { serin_dense_pack(width, inputs, outputs, $0.baseAddress!, packed) }
        let padding = serin_dense_bias_count(width, outputs) - outputs
        let padded = aligned(bias + [Number](repeating: 0, count: padding))
        defer {
            packed.deallocate()
            padded.deallocate()
        }
        var stage = serin_stage_view()
        stage.kind = UInt32(SERIN_STAGE_DENSE)
        stage.detail = UInt32(activation)
        stage.parameters.0 = UnsafeRawPointer(packed)
        stage.parameters.1 = UnsafeRawPointer(padded)
        return run(kernels, stage, x, rows: rows, inputs: inputs, outputs: outputs)
    }

    private func checkLayer<Number: BinaryFloatingPoint>(
        inputs: Int, outputs: Int, rows: Int, sparseRows: Int = .max, isRelu: Bool, tolerance: Double,
        _ random: inout SeededGenerator, _: Number.Type
    ) {
        // Zeros, so that the path for sparse rows is taken too.
        let x = (0..<inputs * rows).map { place in
            random.chance(isRelu && place / inputs < sparseRows ? 0.5 : 0.1)
                ? Number(0) : Number(Float.random(in: -1...1, using: &random))
        }
        let weights = (0..<inputs * outputs).map { _ in Number(Float.random(in: -1...1, using: &random)) }
        let bias = (0..<outputs).map { _ in Number(Float.random(in: -1...1, using: &random)) }
        var fused: [Number]?
        for (name, kernels) in families {
            let place = "\(name), \(inputs) to \(outputs), \(rows) rows"
            let activation = isRelu ? SERIN_ACTIVATION_RELU : SERIN_ACTIVATION_IDENTITY
            let y = dense(kernels, weights, bias, x, rows: rows, inputs: inputs, activation: activation)
            var worst = 0.0
            for row in 0..<rows {
                for output in 0..<outputs {
                    var (sum, size) = (Double(bias[output]), abs(Double(bias[output])))
                    for k in 0..<inputs {
                        let product = Double(x[row * inputs + k]) * Double(weights[output * inputs + k])
                        sum += product
                        size += abs(product)
                    }
                    let wanted = isRelu ? max(0, sum) : sum
                    worst = max(worst, abs(Double(y[row * outputs + output]) - wanted) / size)
                }
            }
            #expect(worst <= tolerance, "\(place)")
            let alone = (0..<rows).flatMap { row in
                dense(
                    kernels, weights, bias, Array(x[row * inputs..<(row + 1) * inputs]), rows: 1, inputs: inputs,
                    activation: activation)
            }
            #expect(alone == y, "\(place): a row's sum depends on the rows beside it")
            if name != "scalar" {
                #expect(fused == nil || fused == y, "\(place): AVX2 and AVX-512 differ")
                fused = y
            }
        }
    }

    @Test func layersOfAllShapesAgree() {
        var random = SeededGenerator(seed: 4)
        for outputs in [1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 49, 63, 64, 65, 100, 128, 130, 200] {
            for inputs in [1, 3, 4, 15, 17, 33, 102] {
                let rows = [1, 2, 3, 5, 6, 7, 12, 13, 17].randomElement(using: &random)!
                let isRelu = random.chance(0.5)
                checkLayer(
                    inputs: inputs, outputs: outputs, rows: rows, isRelu: isRelu, tolerance: 1e-6, &random, Float.self)
                checkLayer(
                    inputs: inputs, outputs: outputs, rows: rows, isRelu: isRelu, tolerance: 1e-14, &random,
                    Double.self)
            }
        }
        checkLayer(inputs: 512, outputs: 256, rows: 7, isRelu: true, tolerance: 1e-6, &random, Float.self)
        // Batches whose zeros are skipped: whole and partial groups of rows and of inputs, and a last panel.
        checkLayer(inputs: 512, outputs: 256, rows: 70, isRelu: true, tolerance: 1e-6, &random, Float.self)
        checkLayer(
            inputs: 512, outputs: 128, rows: 70, sparseRows: 32, isRelu: true, tolerance: 1e-6, &random, Float.self)
        checkLayer(inputs: 77, outputs: 330, rows: 33, isRelu: true, tolerance: 1e-6, &random, Float.self)
        checkLayer(inputs: 300, outputs: 71, rows: 34, isRelu: true, tolerance: 1e-14, &random, Double.self)
        checkLayer(inputs: 1_024, outputs: 64, rows: 21, isRelu: true, tolerance: 1e-6, &random, Float.self)
        checkLayer(inputs: 2_500, outputs: 70, rows: 2, isRelu: false, tolerance: 1e-6, &random, Float.self)
    }

    /// Layers by the library's matrix product, where this machine has one.
    @Test(.enabled(if: dlopen("libopenblas.so.0", RTLD_NOW) != nil)) func theLibraryAgrees() throws {
        let library = try #require(dlopen("libopenblas.so.0", RTLD_NOW))
        var program = serin_program()
        program.sgemm = unsafeBitCast(try #require(dlsym(library, "cblas_sgemm")), to: serin_sgemm.self)
        program.dgemm = unsafeBitCast(try #require(dlsym(library, "cblas_dgemm")), to: serin_dgemm.self)
        var random = SeededGenerator(seed: 9)
        for (inputs, outputs) in [(256, 512), (100, 70), (33, 9)] {
            let weights = (0..<inputs * outputs).map { _ in Float.random(in: -1...1, using: &random) }
            let bias = (0..<outputs).map { _ in Float.random(in: -1...1, using: &random) }
            let x = (0..<inputs * 40).map { _ in Float.random(in: -1...1, using: &random) }
            let own = dense(
                serin_stage_kernels_best(), weights, bias, x, rows: 40, inputs: inputs,
                activation: SERIN_ACTIVATION_RELU)
            let theirs = blas(program, weights, bias, x, inputs: inputs)
            for (own, theirs) in zip(own, theirs) {
                #expect(abs(own - theirs) <= 1e-6 * Float(inputs))
            }
        }
    }

    private func blas(
        _ program: serin_program, _ weights: [Float], _ bias: [Float], _ x: [Float], inputs: Int
    ) -> [Float] {
        var program = program
        let (outputs, rows) = (bias.count, x.count / inputs)
        let width = UInt32(SERIN_FLOAT32)
        let packed = aligned([Float](repeating: 0, count: serin_dense_weight_count(width, inputs, outputs)))
        weights.withUnsafeBytes { serin_dense_pack(width, inputs, outputs, $0.baseAddress!, packed) }
        var unpacked = [Float](repeating: 0, count: weights.count)
        unpacked.withUnsafeMutableBytes { serin_dense_unpack(width, inputs, outputs, packed, $0.baseAddress!) }
        #expect(
            (0..<inputs).allSatisfy { input in
                (0..<outputs).allSatisfy { unpacked[input * outputs + $0] == weights[$0 * inputs + input] }
            }, "unpacking is packing's opposite")
        packed.deallocate()
        var input = serin_value(columns: UInt32(inputs), width: width, place: 0)
        var output = serin_value(columns: UInt32(outputs), width: width, place: 0)
        var y = [Float](repeating: 0, count: rows * outputs)
        let padded = aligned(bias)
        withUnsafePointer(to: &input) { input in
            withUnsafePointer(to: &output) { output in
                unpacked.withUnsafeBytes { unpacked in
                    var stage = serin_stage_view()
                    stage.width = width
                    stage.detail = UInt32(SERIN_ACTIVATION_RELU)
                    (stage.input, stage.output) = (input, output)
                    stage.parameters.1 = UnsafeRawPointer(padded)
                    stage.blas_weights = unpacked.baseAddress
                    x.withUnsafeBytes { x in
                        y.withUnsafeMutableBytes {
                            serin_dense_blas(&program, &stage, x.baseAddress!, $0.baseAddress!, rows)
                        }
                    }
                }
            }
        }
        padded.deallocate()
        return y
    }

    private func checkActivation<Number: BinaryFloatingPoint>(
        _ kind: Int, tolerance: Double, smallest: Double, _: Number.Type, _ wanted: (Double) -> Double
    ) {
        let near = stride(from: -120.0, through: 120, by: 0.0371).map { Number($0) }
        let small = (0..<60).flatMap { [Number(pow(2, -Double($0))), -Number(pow(2, -Double($0)))] }
        let x = near + small + [0, .infinity, -.infinity, .nan, Number(1e30), Number(-1e30), 709, -745]
        var stage = serin_stage_view()
        stage.kind = UInt32(SERIN_STAGE_ACTIVATION)
        stage.detail = UInt32(kind)
        var first: [Number]?
        for (name, kernels) in families {
            let y = run(kernels, stage, x, rows: x.count, inputs: 1, outputs: 1)
            for (got, x) in zip(y, x) {
                let exact = Double(Number(wanted(Double(x))))
                let isClose =
                    got.isNaN
                    ? exact.isNaN
                    : Double(got) == exact || abs(Double(got) - exact) <= max(smallest, tolerance * abs(exact))
                if !isClose { Issue.record("\(name), activation \(kind) of \(x): \(got), not \(exact)") }
            }
            // Plain comparison of bits: NaN differs from itself.
            let isSame = first.map { zip($0, y).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN } } ?? true
            #expect(isSame, "\(name), activation \(kind): differs from the scalar kernels")
            first = y
        }
    }

    @Test func activationsAreCloseAndTheSameEverywhere() {
        let kinds: [(Int, (Double) -> Double)] = [
            (SERIN_ACTIVATION_SIGMOID, { 1 / (1 + exp(-$0)) }), (SERIN_ACTIVATION_TANH, { tanh($0) }),
            (SERIN_ACTIVATION_EXPONENTIAL, { exp($0) }), (SERIN_ACTIVATION_LOGARITHM, { log($0) }),
            (SERIN_ACTIVATION_SQUARE_ROOT, { $0.squareRoot() }), (SERIN_ACTIVATION_RECIPROCAL, { 1 / $0 }),
            (SERIN_ACTIVATION_RELU, { $0 < 0 ? 0 : $0 }),
        ]
        for (kind, wanted) in kinds {
            checkActivation(kind, tolerance: 5e-7, smallest: 3e-38, Float.self, wanted)
            checkActivation(kind, tolerance: 2e-15, smallest: 1e-306, Double.self, wanted)
        }
    }
}
