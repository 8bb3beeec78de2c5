// A block of counters from an image: nothing that a row holds may lead `serin_count` outside of it.

internal import CKernels
internal import ModelFormat

struct CounterCheck {
    private let program: ProgramCheck
    /// The block, within the image.
    private let bytes: UnsafeBufferPointer<UInt8>
    private let block: serin_counters
    private let inputs: Int
    private var isWritten: [Bool]

    init(_ program: ProgramCheck, _ section: serin_section, inputs: Int, outputs: Int) throws(ImageError) {
        self.program = program
        self.inputs = inputs
        isWritten = [Bool](repeating: false, count: outputs)
        bytes = try program.section(section, UInt8.self)
        try program.require(bytes.count >= MemoryLayout<serin_counters>.size, "length of counters")
        block = UnsafeRawBufferPointer(bytes).loadUnaligned(as: serin_counters.self)
    }

    private func require(_ holds: Bool, _ message: @autoclosure () -> String) throws(ImageError) {
        try program.require(holds, message())
    }

    /// A section's elements, once it is known to lie within the block.
    private func section<Element>(
        _ section: serin_section, _: Element.Type
    ) throws(ImageError) -> UnsafeBufferPointer<Element> {
        let size = UInt64(bytes.count)
        try require(section.offset % 64 == 0 && section.offset <= size, "a section's place")
        try require(
            section.count <= (size - section.offset) / UInt64(MemoryLayout<Element>.stride), "a section's length")
        // SAFETY: in range and aligned, as has been checked; the image is plain memory.
        let start = UnsafeRawPointer(bytes.baseAddress! + Int(section.offset)).assumingMemoryBound(to: Element.self)
        return UnsafeBufferPointer(start: start, count: Int(section.count))
    }

    consuming func check() throws(ImageError) {
        let categories = try section(block.categories, serin_counter_category.self)
        try checkCategories(categories)
        try checkOneHots(categories)
        try checkAnswers(categories: categories.count)
        let (answers, outputs) = try checkDense(categories)
        try checkHashed(categories: categories.count, answers: answers, outputs: outputs)
        // What is not written would be another row's number.
        try require(isWritten.allSatisfy { $0 }, "outputs of counters")
    }

    private func checkCategories(_ categories: UnsafeBufferPointer<serin_counter_category>) throws(ImageError) {
        try require(categories.count <= Int(SERIN_COUNTER_CATEGORIES_MAX), "categories of counters")
        let hashes = try section(block.hashes, UInt32.self)
        let classes = try section(block.classes, UInt32.self)
        let slots = try section(block.class_slots, serin_counter_class.self)
        try require(classes.count == hashes.count, "classes of codes")
        for category in categories {
            try require(category.column < inputs, "column of a category")
            let codes = Int(category.first_code)..<Int(category.first_code) + Int(category.code_count)
            try require(codes.upperBound <= hashes.count, "codes of a category")
            try require(codes.allSatisfy { classes[$0] <= category.class_count }, "class of a code")
            try require((1...31).contains(category.bits) && category.probes > 0, "size of a table of classes")
            let own = Int(category.first_slot)..<Int(category.first_slot) + 1 << Int(category.bits)
            try require(own.upperBound <= slots.count, "table of classes")
            try require(own.allSatisfy { slots[$0].number <= category.class_count }, "class of a hash")
            try require(category.probes <= UInt32(SERIN_COUNTER_PROBES_MAX), "probes of a table of classes")
        }
    }

    private mutating func checkOneHots(
        _ categories: UnsafeBufferPointer<serin_counter_category>
    ) throws(ImageError) {
        let oneHots = try section(block.one_hots, serin_counter_one_hot.self)
        let places = try section(block.one_hot_places, Float.self).count
        try require(oneHots.count <= isWritten.count, "outputs of counters")
        for (index, oneHot) in oneHots.enumerated() {
            try require(oneHot.category < categories.count, "category of one-hot values")
            let classes = Int(categories[Int(oneHot.category)].class_count) + 1
            try require(Int(oneHot.first_place) + classes <= places, "places of one-hot values")
            isWritten[index] = true
        }
    }

    private func checkAnswers(categories: Int) throws(ImageError) {
        let borders = try section(block.borders, serin_counter_border.self)
        try require(borders.allSatisfy { $0.column < inputs }, "column of a border")
        let equalities = try section(block.equalities, serin_counter_equality.self)
        try require(equalities.allSatisfy { $0.category < categories }, "category of an equality")
        let count = borders.count + equalities.count
        try require(count <= Int(SERIN_COUNTER_ANSWERS_MAX), "borders and equalities")
        try require(try section(block.answers, UInt32.self).allSatisfy { $0 < count }, "answer of a combination")
    }

    /// The answers and outputs that dense combinations take.
    private func checkDense(
        _ categories: UnsafeBufferPointer<serin_counter_category>
    ) throws(ImageError) -> (answers: Int, outputs: Int) {
        let floats = UInt64(try section(block.dense_floats, Float.self).count)
        var (answers, outputs) = (0, 0)
        for dense in try section(block.dense, serin_counter_dense.self) {
            answers += Int(dense.answer_count)
            outputs += Int(dense.output_count)
            try require(dense.category < categories.count, "category of a combination")
            try require(dense.answer_count <= UInt32(SERIN_COUNTER_DENSE_ANSWERS_MAX), "answers of a combination")
            try require(dense.output_count <= UInt32(ModelBounds.features), "outputs of a combination")
            let rows = (UInt64(categories[Int(dense.category)].class_count) + 1) << UInt64(dense.answer_count)
            try require(
                dense.first_float <= floats && rows * UInt64(dense.output_count) <= floats - dense.first_float,
                "array of a combination")
        }
        return (answers, outputs)
    }

    private mutating func checkHashed(categories: Int, answers: Int, outputs: Int) throws(ImageError) {
        let words = UInt64(try section(block.slots, UInt64.self).count)
        var (elements, answers, floats) = (0, answers, 0)
        for hashed in try section(block.hashed, serin_counter_hashed.self) {
            elements += Int(hashed.category_count)
            answers += Int(hashed.answer_count)
            floats += Int(hashed.output_count)
            try require((1...32).contains(hashed.bits), "size of a counter's table")
            try require((1...UInt32(SERIN_COUNTER_PROBES_MAX)).contains(hashed.probes), "probes of a counter")
            let slotWords = 1 + (UInt64(hashed.output_count) + 1) / 2
            try require(
                hashed.first_word <= words && slotWords << UInt64(hashed.bits) <= words - hashed.first_word,
                "table of a counter")
        }
        let own = try section(block.elements, UInt32.self)
        try require(elements == own.count && own.allSatisfy { $0 < categories }, "elements of combinations")
        try require(answers == Int(block.answers.count), "answers of combinations")
        try require(try section(block.empty, Float.self).count == floats, "empty values of counters")
        let columns = try section(block.outputs, UInt32.self)
        try require(outputs + floats == columns.count, "outputs of combinations")
        for column in columns {
            try require(column < isWritten.count, "output of a counter")
            isWritten[Int(column)] = true
        }
    }
}
