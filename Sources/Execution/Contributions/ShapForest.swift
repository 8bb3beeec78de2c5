// A forest laid out for TreeSHAP's kernels, and the memory that it lies in.
//
//     Forest ──► ShapQuestions (what is asked about a row) ─┐
//            ──► ShapGroup, a few trees each ────────────────┴─► arrays, one behind the other ─► views of them
//
// Written once, then only read, by any number of threads.

internal import CKernels
internal import Glibc
internal import ModelFormat

final class ShapForest: @unchecked Sendable {
    // SAFETY: written before the initializer returns and only read afterwards, until deinit frees it.
    let view: UnsafePointer<serin_shap_forest>
    private let memory: [UnsafeMutableRawPointer]
    /// Of everything the view points to.
    let memoryBytes: Int

    /// First group of each output, and the end of the last.
    let firstGroups: [Int]
    let values: [ShapValue]
    let slotCount: Int
    /// Columns of the row that are split on, ascending.
    let features: [Int32]
    /// By output: what it answers when nothing of the row is known, before scale and bias.
    let expected: [Double]
    /// Vectors that the largest group needs.
    let cellCount: Int
    /// Splits of the largest group, rounded up to a group.
    let splitCount: Int

    init(_ forest: Forest) throws(ContributionError) {
        var builder = try ShapForestBuilder(forest)
        try builder.addTrees()
        firstGroups = builder.firstGroups
        values = builder.questions.values
        slotCount = builder.questions.slots.count
        features = builder.features
        expected = builder.expected
        cellCount = builder.cellCount
        splitCount = builder.splitCount
        var memory = ShapMemory()
        view = Self.place(builder, in: &memory)
        (self.memory, memoryBytes) = (memory.blocks, memory.bytes)
    }

    private static func place(
        _ builder: ShapForestBuilder, in memory: inout ShapMemory
    ) -> UnsafePointer<serin_shap_forest> {
        let arrays = builder.arrays
        let (slots, ranks) = (memory.place(arrays.slots), memory.place(arrays.ranks))
        let (inner, runs, last) = (memory.place(arrays.inner), memory.place(arrays.runs), memory.place(arrays.last))
        let (leaves, repeats) = (memory.place(arrays.leaves), memory.place(arrays.repeats))
        let (categories, roots) = (memory.place(arrays.categories), memory.place(arrays.roots))
        let (coefficients, weights) = (memory.place(arrays.coefficients), memory.place(arrays.weights))
        let groups = builder.parts.map { part in
            serin_shap_group(
                slots: slots + part.splits, ranks: ranks + part.splits, inner: inner + part.inner,
                runs: runs + part.runs, last: last + part.last, leaves: leaves + part.leaves,
                repeats: repeats + part.repeats, categories: categories + part.categories,
                roots: roots + part.roots,
                coefficients: coefficients + part.coefficients, weights: weights + part.weights,
                root_count: UInt32(part.rootCount), inner_count: UInt32(part.innerCount),
                run_count: UInt32(part.runCount),
                last_count: UInt32(part.lastCount), last_new_count: UInt32(part.lastNewCount),
                leaf_count: UInt32(part.leafCount), repeat_count: UInt32(part.repeatCount),
                category_count: UInt32(part.categoryCount), pair_count: UInt32(part.pairCount),
                lanes: UInt32(part.lanes), blocks: UInt32(part.blocks))
        }
        let forest = serin_shap_forest(
            groups: memory.place(groups), slots: memory.place(builder.questions.slots),
            thresholds: memory.place(builder.questions.thresholds),
            category_words: memory.place(arrays.categoryWords), slot_count: UInt32(builder.questions.slots.count))
        return memory.place([forest])
    }

    deinit { for start in memory { free(start) } }
}

/// Blocks of memory on 64-byte boundaries; whoever takes them frees them.
private struct ShapMemory {
    private(set) var blocks: [UnsafeMutableRawPointer] = []
    private(set) var bytes = 0

    /// A copy of the elements that stays where it is.
    mutating func place<Element>(_ elements: [Element]) -> UnsafePointer<Element> {
        let bytes = max(64, (elements.count * MemoryLayout<Element>.stride + 63) & ~63)
        guard let start = aligned_alloc(64, bytes) else { fatalError("out of memory: \(bytes) bytes") }
        blocks.append(start)
        self.bytes += bytes
        let typed = start.bindMemory(to: Element.self, capacity: elements.count)
        typed.initialize(from: elements, count: elements.count)
        return UnsafePointer(typed)
    }
}
