// Everything that must hold before a kernel may touch a program's image.
//
// As with forests, the checksum finds damage, and this finds what a checksum cannot: an image that was
// made to hurt.  After it no row can lead a stage outside the image or outside its values in scratch,
// and no stage reads a value before it is made, so that no other request's numbers can be seen.

internal import CKernels
internal import ModelFormat

struct ProgramCheck: SealedImage {
    let image: UnsafeRawBufferPointer
    let head: serin_program_header

    /// `image` is at least as long as the header and 64-byte aligned.
    init(_ image: UnsafeRawBufferPointer) {
        self.image = image
        head = image.loadUnaligned(as: serin_program_header.self)
    }

    /// The header of an image in which everything is in range; forests' images are checked by themselves.
    func header() throws(ImageError) -> serin_program_header {
        try checkSeal()
        try require(head.worst_case_operations <= UInt64(ModelBounds.rowOperations), "operations of a row")
        let values = try section(head.values, serin_value.self)
        try checkValues(values)
        var made = [Bool](repeating: false, count: values.count)
        made[0] = true
        var forests: UInt32 = 0
        let stages = try section(head.stages, serin_stage.self)
        try require(stages.count <= 2 * ModelBounds.stages, "stage count")
        let names = try count(head.names, 1)
        for stage in stages {
            try require(Int(stage.name_start) + Int(stage.name_bytes) <= names, "name of a stage")
            try StageCheck(self, stage, values, made).check(forest: forests)
            if stage.kind == UInt32(SERIN_STAGE_FOREST) { forests += 1 }
            made[Int(stage.output)] = true
        }
        try require(forests == head.forest_count, "forest count")
        try checkOutputs(values, made)
        return head
    }

    private func checkValues(_ values: UnsafeBufferPointer<serin_value>) throws(ImageError) {
        try require(!values.isEmpty && values.count <= 4 * ModelBounds.stages, "value count")
        try require(head.row_bytes <= UInt64(2 * 8 * ModelBounds.rowColumns), "bytes of a row")
        for value in values {
            try require((1...UInt32(ModelBounds.features)).contains(value.columns), "columns of a value")
            try require(value.width <= UInt32(SERIN_FLOAT64), "width of a value")
            try require(value.place % 4 == 0 && value.place <= head.row_bytes, "place of a value")
            try require(UInt64(value.byteCount) <= head.row_bytes - value.place, "place of a value")
        }
    }

    private func checkOutputs(_ values: UnsafeBufferPointer<serin_value>, _ made: [Bool]) throws(ImageError) {
        try require(Int(head.margins) < values.count && Int(head.scores) < values.count, "outputs")
        let (margins, scores) = (values[Int(head.margins)], values[Int(head.scores)])
        try require(made[Int(head.margins)] && made[Int(head.scores)], "outputs")
        try require(margins.columns == scores.columns && margins.width == scores.width, "outputs")
        try require(scores.columns <= UInt32(ModelBounds.outputs), "outputs")
    }
}

extension serin_value {
    /// Of one row.
    var byteCount: Int { Int(columns) * (width == UInt32(SERIN_FLOAT32) ? 4 : 8) }

    func overlaps(_ other: serin_value) -> Bool {
        place < other.place + UInt64(other.byteCount) && other.place < place + UInt64(byteCount)
    }
}
