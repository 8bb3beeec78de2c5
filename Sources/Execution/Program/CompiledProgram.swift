// A pipeline ready to run: one contiguous image without pointers, its forests, and a view for the kernels.
//
//     Pipeline ──lower, lay out, encode──► image ──► cache on disk
//                                            │            │
//                                            └──► check ◄─┘
//                                                   │
//                                           CompiledProgram ──score──► serin_run (CKernels)
//
// As with a forest's image, nothing is used before it is checked, and it lives in anonymous memory.

internal import CKernels
internal import Glibc
internal import Inference
internal import ModelFormat

final class CompiledProgram: @unchecked Sendable {
    // SAFETY: image, views and tables are written before the initializer returns and only read
    // afterwards, by any number of threads, until deinit frees them.
    private let memory: UnsafeMutableRawPointer
    private let stages: UnsafeMutableBufferPointer<serin_stage_view>
    let program: UnsafeMutablePointer<serin_program>
    /// Bytes of scratch for 16, 32, … rows, as many entries as `rowsPerChunk` allows.
    let scratchBytes: UnsafeMutableBufferPointer<Int>

    /// In the order of the stages.
    let forests: [CompiledForest]
    let featureCount: Int
    let outputCount: Int
    let scoreType: ValueType
    let worstCaseOperationsPerRow: Int
    let stageSummaries: [StageSummary]
    /// Whether every sum has one order, so that two machines give the same bits.
    let isExact: Bool
    let imageBytes: Int
    /// Rows that go through the stages together.
    let rowsPerChunk: Int

    static let rowStep = Int(SERIN_PROGRAM_ROWS)

    /// Lays a pipeline out; checks it first.
    static func compile(_ pipeline: Pipeline) throws -> CompiledProgram {
        try pipeline.check()
        let image = try ProgramCompiler(pipeline).image()
        return try CompiledProgram(
            image: UnsafeRawBufferPointer(start: image.start, count: image.count), owning: image)
    }

    /// Copies an image, from a cache for example, and checks all of it.
    convenience init(image: UnsafeRawBufferPointer) throws(ImageError) {
        guard image.count >= MemoryLayout<serin_program_header>.size, let source = image.baseAddress else {
            throw ImageError("the image is shorter than its header")
        }
        let copy = ImageMemory(count: image.count)
        memcpy(copy.start, source, image.count)
        try self.init(image: UnsafeRawBufferPointer(start: copy.start, count: copy.count), owning: copy)
    }

    private init(image: UnsafeRawBufferPointer, owning memory: consuming ImageMemory) throws(ImageError) {
        let check = ProgramCheck(image)
        let header = try check.header()
        let values = try check.section(header.values, serin_value.self)
        let images = try check.section(header.stages, serin_stage.self)
        forests = try Self.forests(of: images, values, check)
        let (input, output) = (values[0], values[Int(header.scores)])
        featureCount = Int(input.columns)
        outputCount = Int(output.columns)
        scoreType = output.width == UInt32(SERIN_FLOAT32) ? .float32 : .float64
        worstCaseOperationsPerRow = Int(header.worst_case_operations)
        isExact = images.allSatisfy(\.isExact)
        let names = try check.section(header.names, UInt8.self)
        stageSummaries = images.map { StageSummary($0, values, names: names) }
        imageBytes = image.count
        let rowBytes = Int(header.row_bytes)
        // As many as a forest among the stages likes to have together; 128 are enough for the others.
        let wanted = forests.reduce(128) { max($0, Int($1.view.pointee.rows_max)) } / Self.rowStep
        rowsPerChunk = max(1, min(wanted, Self.chunkBytes / (rowBytes * Self.rowStep))) * Self.rowStep
        scratchBytes = .allocate(capacity: rowsPerChunk / Self.rowStep)
        for step in scratchBytes.indices {
            let rows = (step + 1) * Self.rowStep
            let forest = forests.reduce(0) { max($0, $1.scratchByteCount(rows: rows)) }
            scratchBytes.initializeElement(
                at: step, to: 192 + rows * (MemoryLayout<serin_row>.stride + rowBytes) + forest)
        }
        // Stays where it was checked, so `values` goes on pointing into it.
        self.memory = memory.release()
        stages = .allocate(capacity: images.count)
        program = .allocate(capacity: 1)
        for (index, stage) in images.enumerated() {
            stages.initializeElement(at: index, to: view(of: stage, values))
        }
        program.initialize(
            to: serin_program(
                values: values.baseAddress, stages: stages.baseAddress, stage_count: images.count,
                margins: values.baseAddress! + Int(header.margins), scores: values.baseAddress! + Int(header.scores),
                kernels: serin_stage_kernels_best(), row_bytes: header.row_bytes, sgemm: nil, dgemm: nil,
                is_linear: 0))
        program.pointee.is_linear = serin_program_is_linear(program)
        tryLibrary()
    }

    /// Lets the library have the layers that it computes faster.
    private func tryLibrary() {
        // The library is not even opened for small models.
        guard stages.contains(where: LibraryTrial.isWorthwhile), let library = DenseLibrary.current else { return }
        program.pointee.sgemm = library.sgemm
        program.pointee.dgemm = library.dgemm
        let trial = LibraryTrial(program: UnsafePointer(program), rowsMax: rowsPerChunk)
        for index in stages.indices where LibraryTrial.isWorthwhile(stages[index]) { trial.decide(&stages[index]) }
    }

    deinit {
        for stage in stages { free(UnsafeMutableRawPointer(mutating: stage.blas_weights)) }
        stages.deallocate()
        program.deallocate()
        scratchBytes.deallocate()
        free(memory)
    }

    /// Values of a chunk of rows stay in the second-level cache.
    private static let chunkBytes = 512 << 10

    /// The kernels in use, such as `avx512`.
    var kernels: String {
        var own = String(cString: program.pointee.kernels.pointee.name)
        if stages.contains(where: { $0.blas_weights != nil }) { own += ", openblas" }
        return forests.first.map { "\(own), forests \($0.kernels)" } ?? own
    }

    /// A copy of the whole image, to be written to a cache.
    var image: [UInt8] { [UInt8](UnsafeRawBufferPointer(start: memory, count: imageBytes)) }

    private static func forests(
        of stages: UnsafeBufferPointer<serin_stage>, _ values: UnsafeBufferPointer<serin_value>, _ check: ProgramCheck
    ) throws(ImageError) -> [CompiledForest] {
        var forests: [CompiledForest] = []
        for stage in stages where stage.kind == UInt32(SERIN_STAGE_FOREST) {
            let image = try check.section(stage.parameters.0, UInt8.self)
            let forest = try CompiledForest(image: UnsafeRawBufferPointer(image))
            let (input, output) = (values[Int(stage.input)], values[Int(stage.output)])
            let width = forest.scoreType == .float32 ? SERIN_FLOAT32 : SERIN_FLOAT64
            try check.require(
                forest.featureCount == Int(input.columns) && forest.outputCount == Int(output.columns)
                    && UInt32(width) == output.width, "a forest's shape")
            forests.append(forest)
        }
        return forests
    }

    private func view(of stage: serin_stage, _ values: UnsafeBufferPointer<serin_value>) -> serin_stage_view {
        var view = serin_stage_view()
        view.kind = stage.kind
        view.width = stage.width
        view.detail = stage.detail
        view.scalars = stage.scalars
        view.input = values.baseAddress! + Int(stage.input)
        view.output = values.baseAddress! + Int(stage.output)
        let parameters = stage.parameters
        view.parameters = (
            place(of: parameters.0), place(of: parameters.1), place(of: parameters.2), place(of: parameters.3)
        )
        view.parameter_count = Int(parameters.0.count)
        if stage.kind == UInt32(SERIN_STAGE_FOREST) {
            let forest = forests[Int(stage.detail)]
            view.forest = UnsafePointer(forest.view)
            view.forest_rows = Int(forest.view.pointee.rows_max)
        }
        return view
    }

    private func place(of section: serin_section) -> UnsafeRawPointer { UnsafeRawPointer(memory) + Int(section.offset) }
}

extension serin_stage {
    /// Whether the stage gives the same bits on every machine.
    var isExact: Bool {
        switch Int(kind) {
        case SERIN_STAGE_DENSE: false
        case SERIN_STAGE_ACTIVATION:
            [
                SERIN_ACTIVATION_IDENTITY, SERIN_ACTIVATION_RELU, SERIN_ACTIVATION_NEGATE, SERIN_ACTIVATION_ABSOLUTE,
                SERIN_ACTIVATION_RECIPROCAL, SERIN_ACTIVATION_SQUARE_ROOT, SERIN_ACTIVATION_TRUNCATE,
                SERIN_ACTIVATION_FLOOR,
            ].contains(Int(detail))
        default: true
        }
    }
}
