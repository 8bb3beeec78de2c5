// A block of counters from an image: nothing that a row holds may lead `serin_count` outside of it.

internal import CKernels
internal import ModelFormat

struct CounterCheck {
    private let program: ProgramCheck
    /// The block, within the image.
    private let bytes: UnsafeBufferPointer<UInt8>
    private let block: serin_counters

    init(_ program: ProgramCheck, _ section: serin_section) throws(ImageError) {
        self.program = program
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

    func check(inputs: Int, outputs: Int) throws(ImageError) {
        let categories = try section(block.categories, serin_counter_category.self)
        let hashes = try section(block.hashes, UInt32.self).count
        try require(categories.count <= Int(SERIN_COUNTER_CATEGORIES_MAX), "categories of counters")
        for category in categories {
            try require(category.column < inputs, "column of a category")
            try require(Int(category.first_hash) + Int(category.hash_count) <= hashes, "hashes of a category")
        }
        var isWritten = [Bool](repeating: false, count: outputs)
        try checkOneHots(categories: categories.count, &isWritten)
        try checkElements(inputs: inputs, categories: categories.count)
        try checkCombinations(&isWritten)
        // What is not written would be another row's number.
        try require(isWritten.allSatisfy { $0 }, "outputs of counters")
    }

    private func checkOneHots(categories: Int, _ isWritten: inout [Bool]) throws(ImageError) {
        let oneHots = try section(block.one_hots, serin_counter_one_hot.self)
        let hashes = try section(block.one_hot_hashes, UInt32.self).count
        try require(try section(block.one_hot_places, Float.self).count == hashes, "places of one-hot values")
        try require(oneHots.count <= isWritten.count, "outputs of counters")
        for (index, oneHot) in oneHots.enumerated() {
            try require(oneHot.category < categories, "category of one-hot values")
            try require(Int(oneHot.first) + Int(oneHot.count) <= hashes, "hashes of one-hot values")
            isWritten[index] = true
        }
    }

    private func checkElements(inputs: Int, categories: Int) throws(ImageError) {
        let elements = try section(block.elements, UInt32.self)
        try require(elements.allSatisfy { $0 < categories }, "element of a combination")
        let borders = try section(block.borders, serin_counter_border.self)
        try require(borders.allSatisfy { $0.column < inputs }, "border of a combination")
        let equalities = try section(block.equalities, serin_counter_equality.self)
        try require(equalities.allSatisfy { $0.category < categories }, "equality of a combination")
    }

    private func checkCombinations(_ isWritten: inout [Bool]) throws(ImageError) {
        let outputs = try section(block.outputs, UInt32.self)
        let words = UInt64(try section(block.slots, UInt64.self).count)
        var (elements, borders, equalities, floats) = (0, 0, 0, 0)
        for combination in try section(block.combinations, serin_counter_combination.self) {
            elements += Int(combination.category_count)
            borders += Int(combination.border_count)
            equalities += Int(combination.equality_count)
            floats += Int(combination.output_count)
            try require((1...32).contains(combination.bits), "size of a counter's table")
            try require((1...UInt32(SERIN_COUNTER_PROBES_MAX)).contains(combination.probes), "probes of a counter")
            let slotWords = 1 + (UInt64(combination.output_count) + 1) / 2
            try require(
                combination.first_word <= words
                    && slotWords << UInt64(combination.bits) <= words - combination.first_word, "table of a counter")
        }
        try require(elements == Int(block.elements.count), "elements of combinations")
        try require(borders == Int(block.borders.count), "borders of combinations")
        try require(equalities == Int(block.equalities.count), "equalities of combinations")
        try require(floats == outputs.count, "outputs of combinations")
        try require(try section(block.empty, Float.self).count == floats, "empty values of counters")
        for output in outputs {
            try require(output < isWritten.count, "output of a counter")
            isWritten[Int(output)] = true
        }
    }
}
