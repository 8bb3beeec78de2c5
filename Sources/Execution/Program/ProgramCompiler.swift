// A lowered pipeline to an image: values, stages, parameters in the order in which kernels read them.

internal import CKernels
internal import ModelFormat

struct ProgramCompiler {
    private let pipeline: Pipeline
    private var writer = SectionWriter(headerBytes: MemoryLayout<serin_program_header>.size)
    private var forestCount = 0
    /// Of all stages, one behind the other.
    private var names: [UInt8] = []

    /// The pipeline has been checked.
    init(_ pipeline: Pipeline) { self.pipeline = pipeline }

    /// The sealed image.
    consuming func image() throws -> ImageMemory {
        let lowered = ProgramLowering(pipeline)
        let layout = ProgramLayout(lowered)
        var header = serin_program_header()
        header.values = try writer.add(
            zip(lowered.values, layout.places).map { value, place in
                serin_value(columns: UInt32(value.columns), width: value.width.code, place: UInt64(place))
            })
        var stages: [serin_stage] = []
        for stage in lowered.stages { stages.append(try encode(stage, lowered.values)) }
        header.stages = try writer.add(stages)
        header.names = try writer.add(names)
        header.magic = SERIN_PROGRAM_MAGIC
        header.version = UInt32(SERIN_PROGRAM_VERSION)
        header.header_bytes = UInt32(MemoryLayout<serin_program_header>.size)
        header.image_bytes = UInt64(writer.size)
        header.row_bytes = UInt64(layout.rowBytes)
        header.margins = UInt32(lowered.margins)
        header.scores = UInt32(lowered.scores)
        header.forest_count = UInt32(forestCount)
        header.worst_case_operations = UInt64(pipeline.worstCaseOperationsPerRow)
        let memory = writer.image(header)
        serin_program_header.seal(UnsafeMutableRawBufferPointer(start: memory.start, count: memory.count))
        return memory
    }

    private mutating func encode(
        _ stage: ProgramLowering.Stage, _ values: [Pipeline.Value]
    ) throws -> serin_stage {
        let output = values[stage.output]
        var encoder = StageEncoder(inputs: values[stage.inputs[0]].columns, output: output, writer: writer)
        if let operation = stage.operation {
            encoder.stage.input = UInt32(stage.inputs[0])
            if case .forest(let forest) = operation {
                try encoder.encode(forest, number: forestCount)
                forestCount += 1
            } else {
                try encoder.encode(operation)
            }
        } else {
            try encoder.encodeGather(stage.inputs)
        }
        encoder.stage.output = UInt32(stage.output)
        encoder.stage.width = output.width.code
        encoder.stage.name_start = UInt32(names.count)
        encoder.stage.name_bytes = UInt32(stage.name.utf8.prefix(ModelBounds.nameBytes).count)
        names += stage.name.utf8.prefix(ModelBounds.nameBytes)
        writer = encoder.writer
        return encoder.stage
    }
}
