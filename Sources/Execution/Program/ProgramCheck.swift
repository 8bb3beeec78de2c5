// Everything that must hold before a kernel may touch a program's image.
//
// As with forests, the checksum finds damage, and this finds what a checksum cannot: an image that was
// made to hurt.  After it no row can lead a stage outside the image or outside its values in scratch,
// and no stage reads a value before it is made, so that no other request's numbers can be seen.

internal import CKernels
internal import ModelFormat

struct ProgramCheck {
    let image: UnsafeRawBufferPointer
    let head: serin_program_header

    static var checksumOffset: Int { MemoryLayout<serin_program_header>.offset(of: \.checksum)! }

    /// The checksum of everything behind its own field.
    static func checksum(_ image: UnsafeRawBufferPointer) -> UInt64 {
        let start = checksumOffset + 8
        return serin_checksum(image.baseAddress! + start, image.count - start)
    }

    /// `image` is at least as long as the header and 64-byte aligned.
    init(_ image: UnsafeRawBufferPointer) {
        self.image = image
        head = image.loadUnaligned(as: serin_program_header.self)
    }

    func require(_ holds: Bool, _ message: @autoclosure () -> String) throws(ImageError) {
        if !holds { throw ImageError("the compiled image is damaged: \(message())") }
    }

    /// The header of an image in which everything is in range; forests' images are checked by themselves.
    func header() throws(ImageError) -> serin_program_header {
        try checkSeal()
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

    private func checkSeal() throws(ImageError) {
        try require(head.magic == SERIN_PROGRAM_MAGIC, "it does not begin as one")
        guard head.version == UInt32(SERIN_PROGRAM_VERSION) else {
            throw ImageError(
                "the compiled image is of version \(head.version), expected \(SERIN_PROGRAM_VERSION)")
        }
        try require(head.header_bytes == UInt32(MemoryLayout<serin_program_header>.size), "header size")
        try require(head.image_bytes == UInt64(image.count), "it is \(image.count) bytes long, not \(head.image_bytes)")
        try require(head.checksum == Self.checksum(image), "checksum")
        try require(head.worst_case_operations <= UInt64(ModelBounds.rowOperations), "operations of a row")
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

    /// A section's elements, once it is known to lie within the image.
    func section<Element>(
        _ section: serin_section, _: Element.Type
    ) throws(ImageError) -> UnsafeBufferPointer<Element> {
        let count = try count(section, MemoryLayout<Element>.stride)
        // SAFETY: in range and aligned, as `count` has checked; the image is plain memory.
        let start = (image.baseAddress! + Int(section.offset)).assumingMemoryBound(to: Element.self)
        return UnsafeBufferPointer(start: start, count: count)
    }

    func count(_ section: serin_section, _ stride: Int) throws(ImageError) -> Int {
        let size = UInt64(image.count)
        try require(section.offset % 64 == 0 && section.offset <= size, "a section's place")
        try require(section.count <= (size - section.offset) / UInt64(stride), "a section's length")
        return Int(section.count)
    }
}

extension serin_value {
    /// Of one row.
    var byteCount: Int { Int(columns) * (width == UInt32(SERIN_FLOAT32) ? 4 : 8) }

    func overlaps(_ other: serin_value) -> Bool {
        place < other.place + UInt64(other.byteCount) && other.place < place + UInt64(byteCount)
    }
}
