// A forest laid out for TreeSHAP's kernels, and the memory that it lies in.
//
//     Forest ──► columns (how a value is made of the row) ─┐
//            ──► ShapTree, tree by tree ───────────────────┴─► arrays, one behind the other ─► views of them
//
// Written once, then only read, by any number of threads.

internal import CKernels
internal import Glibc
internal import ModelFormat

/// A value that splits look at: a column of the row, prepared.
struct ShapColumn: Hashable {
    enum Kind: UInt8 {
        case plain
        /// Zeros are missing.
        case zeroMissing
        /// A category code: numbers between -1 and 0 are 0 (LightGBM).
        case category
    }

    var feature: Int32
    var kind: Kind
}

final class ShapForest: @unchecked Sendable {
    // SAFETY: written before the initializer returns and only read afterwards, until deinit frees it.
    let trees: UnsafeMutablePointer<serin_shap_tree>
    let categoryWords: UnsafePointer<UInt64>
    private let memory: [UnsafeMutableRawPointer]

    /// First tree of each output, and the end of the last.
    let firstTrees: [Int]
    let columns: [ShapColumn]
    /// Columns of the row that are split on, ascending.
    let features: [Int32]
    /// By output: what it answers when nothing of the row is known, before scale and bias.
    let expected: [Double]
    /// Vectors that the largest tree needs.
    let cellCount: Int
    /// Splits of the largest tree, rounded up to a group.
    let splitCount: Int

    init(_ forest: Forest) throws(ContributionError) {
        var builder = ShapForestBuilder(forest)
        try builder.addTrees()
        firstTrees = builder.firstTrees
        columns = builder.columns.all
        features = builder.features
        expected = builder.expected
        cellCount = builder.cellCount
        splitCount = builder.splitCount
        var memory: [UnsafeMutableRawPointer] = []
        func place<Element>(_ elements: [Element]) -> UnsafePointer<Element> {
            let bytes = max(64, (elements.count * MemoryLayout<Element>.stride + 63) & ~63)
            guard let start = aligned_alloc(64, bytes) else { fatalError("out of memory: \(bytes) bytes") }
            memory.append(start)
            let typed = start.bindMemory(to: Element.self, capacity: elements.count)
            typed.initialize(from: elements, count: elements.count)
            return UnsafePointer(typed)
        }
        let arrays = builder.arrays
        let (thresholds, splitColumns) = (place(arrays.thresholds), place(arrays.columns))
        let (missingLeft, inner, last) = (place(arrays.missingLeft), place(arrays.inner), place(arrays.last))
        let (leaves, repeats, categories) = (place(arrays.leaves), place(arrays.repeats), place(arrays.categories))
        let (coefficients, weights) = (place(arrays.coefficients), place(arrays.weights))
        categoryWords = place(arrays.categoryWords)
        trees = UnsafeMutablePointer(mutating: place(builder.parts.map { part in
            serin_shap_tree(
                thresholds: thresholds + part.splits, columns: splitColumns + part.splits,
                missing_left: missingLeft + part.splits, inner: inner + part.inner, last: last + part.last,
                leaves: leaves + part.leaves, repeats: repeats + part.repeats, categories: categories + part.categories,
                coefficients: coefficients + part.coefficients, weights: weights + part.weights,
                inner_count: UInt32(part.innerCount), last_count: UInt32(part.lastCount),
                leaf_count: UInt32(part.leafCount), repeat_count: UInt32(part.repeatCount),
                category_count: UInt32(part.categoryCount), pair_count: UInt32(part.pairCount),
                lanes: UInt32(part.lanes), blocks: UInt32(part.blocks))
        }))
        self.memory = memory
    }

    deinit { for start in memory { free(start) } }
}
