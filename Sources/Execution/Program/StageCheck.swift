// One stage of an image: its values, and its parameters against their columns.

internal import CKernels
internal import ModelFormat

struct StageCheck {
    private let program: ProgramCheck
    private let stage: serin_stage
    private let values: UnsafeBufferPointer<serin_value>
    private let made: [Bool]

    init(
        _ program: ProgramCheck, _ stage: serin_stage, _ values: UnsafeBufferPointer<serin_value>, _ made: [Bool]
    ) {
        self.program = program
        self.stage = stage
        self.values = values
        self.made = made
    }

    private func require(_ holds: Bool, _ message: @autoclosure () -> String) throws(ImageError) {
        try program.require(holds, message())
    }

    /// - Parameter forest: how many forests there have been before.
    func check(forest: UInt32) throws(ImageError) {
        try require(stage.kind < UInt32(SERIN_STAGE_COUNT) && stage.width <= UInt32(SERIN_FLOAT64), "kind of a stage")
        try require(Int(stage.output) < values.count && Int(stage.input) < values.count, "values of a stage")
        let output = values[Int(stage.output)]
        try require(output.width == stage.width, "width of a stage")
        let parameters = stage.parameters
        // Those that a kind has no use for too: each becomes a pointer.
        for section in [parameters.0, parameters.1, parameters.2, parameters.3] {
            _ = try program.count(section, 1)
        }
        if stage.kind == UInt32(SERIN_STAGE_GATHER) {
            try checkGather(output)
            return
        }
        let input = values[Int(stage.input)]
        try require(made[Int(stage.input)] && !input.overlaps(output), "input of a stage")
        if stage.kind == UInt32(SERIN_STAGE_FOREST) {
            try require(stage.detail == forest, "forest of a stage")
            return
        }
        if stage.kind == UInt32(SERIN_STAGE_COUNTERS) {
            try require(stage.width == UInt32(SERIN_FLOAT32), "width of counters")
            try CounterCheck(
                program, stage.parameters.0, inputs: Int(input.columns), outputs: Int(output.columns)
            ).check()
            return
        }
        try require(input.width == stage.width, "width of a stage")
        try checkParameters(inputs: Int(input.columns), outputs: Int(output.columns))
    }

    private func checkGather(_ output: serin_value) throws(ImageError) {
        let inputs = try program.section(stage.parameters.0, UInt32.self)
        var columns = 0
        for input in inputs {
            try require(Int(input) < values.count && made[Int(input)], "input of a gather")
            try require(!values[Int(input)].overlaps(output), "input of a gather")
            columns += Int(values[Int(input)].columns)
        }
        try require(!inputs.isEmpty && columns == Int(output.columns), "columns of a gather")
    }

    private func checkParameters(inputs: Int, outputs: Int) throws(ImageError) {
        if Int(stage.kind) != SERIN_STAGE_DENSE { try checkShape(inputs: inputs, outputs: outputs) }
        switch Int(stage.kind) {
        case SERIN_STAGE_SELECT:
            let columns = try program.section(stage.parameters.0, UInt32.self)
            try require(columns.count == outputs && columns.allSatisfy { $0 < inputs }, "columns of a selection")
        case SERIN_STAGE_IMPUTE, SERIN_STAGE_BINARIZE: try requireNumbers(stage.parameters.0, outputs)
        case SERIN_STAGE_ARITHMETIC:
            try requireNumbers(stage.parameters.0, outputs)
            try requireDetail(below: SERIN_ARITHMETIC_COUNT)
        case SERIN_STAGE_COMBINE: try requireDetail(below: SERIN_ARITHMETIC_COUNT)
        case SERIN_STAGE_SCALE, SERIN_STAGE_CLIP:
            try requireNumbers(stage.parameters.0, outputs)
            try requireNumbers(stage.parameters.1, outputs)
        case SERIN_STAGE_ONE_HOT:
            let places = try program.section(stage.parameters.1, UInt32.self)
            try require(places.allSatisfy { $0 < outputs }, "places of categories")
            try requireNumbers(stage.parameters.0, places.count)
            try requireStarts(stage.parameters.2, lists: inputs, of: places.count)
        case SERIN_STAGE_LOOKUP:
            let keys = try numberCount(stage.parameters.0)
            try requireNumbers(stage.parameters.1, keys)
            try requireStarts(stage.parameters.2, lists: inputs, of: keys)
            try requireNumbers(stage.parameters.3, 2 * inputs)
        case SERIN_STAGE_BUCKET:
            try requireStarts(stage.parameters.1, lists: inputs, of: try numberCount(stage.parameters.0))
        case SERIN_STAGE_COMPARE: try requireDetail(below: SERIN_RELATION_COUNT)
        case SERIN_STAGE_REDUCE: try requireDetail(below: SERIN_REDUCTION_COUNT)
        case SERIN_STAGE_NORMALIZE: try requireDetail(below: SERIN_NORM_COUNT)
        case SERIN_STAGE_DENSE:
            try requireDetail(below: SERIN_ACTIVATION_COUNT)
            try requireNumbers(stage.parameters.0, serin_dense_weight_count(stage.width, inputs, outputs))
            try requireNumbers(stage.parameters.1, serin_dense_bias_count(stage.width, outputs))
        case SERIN_STAGE_TRANSFORM: try requireDetail(below: Int(SERIN_TRANSFORM_COUNT))
        case SERIN_STAGE_ACTIVATION: try requireDetail(below: SERIN_ACTIVATION_COUNT)
        case SERIN_STAGE_ISOTONIC:
            let points = try numberCount(stage.parameters.0)
            try require(points > 0, "points of a calibration")
            try requireNumbers(stage.parameters.1, points)
        default: break
        }
    }

    /// A stage that is not a layer has as many output columns as its kind makes of the input's.
    private func checkShape(inputs: Int, outputs: Int) throws(ImageError) {
        switch Int(stage.kind) {
        case SERIN_STAGE_SELECT, SERIN_STAGE_ONE_HOT: break
        case SERIN_STAGE_COMBINE, SERIN_STAGE_COMPARE:
            try require(inputs == 2 * outputs, "columns of a stage")
        case SERIN_STAGE_CHOOSE: try require(inputs == 3 * outputs, "columns of a stage")
        case SERIN_STAGE_REDUCE: try require(inputs % outputs == 0, "columns of a stage")
        case SERIN_STAGE_COMPLEMENT: try require(inputs == 1 && outputs == 2, "columns of a stage")
        default: try require(inputs == outputs, "columns of a stage")
        }
    }

    private func requireDetail(below count: Int) throws(ImageError) {
        try require(Int(stage.detail) < count, "detail of a stage")
    }

    private func numberCount(_ section: serin_section) throws(ImageError) -> Int {
        try program.count(section, stage.width == UInt32(SERIN_FLOAT32) ? 4 : 8)
    }

    private func requireNumbers(_ section: serin_section, _ count: Int) throws(ImageError) {
        try require(try numberCount(section) == count, "parameters of a stage")
    }

    private func requireStarts(_ section: serin_section, lists: Int, of count: Int) throws(ImageError) {
        let starts = try program.section(section, UInt32.self)
        try require(starts.count == lists + 1 && starts[0] == 0 && Int(starts[lists]) == count, "lists of a stage")
        for place in 1...lists { try require(starts[place - 1] <= starts[place], "lists of a stage") }
    }
}
