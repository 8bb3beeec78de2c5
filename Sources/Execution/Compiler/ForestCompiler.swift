// A forest into an image: slots, then trees, then the header that says where everything lies.
//
// One sort of the thresholds tells every node its rank (RankedForest); the rest is copying.

internal import CKernels
internal import ModelFormat

struct ForestCompiler {
    private let ranked: RankedForest
    private var forest: Forest { ranked.forest }
    /// Of each tree: walked once, needed everywhere.
    private let depths: [Int]
    private let slots: SlotTable
    private let categories: CategoryTable
    private let slotCount: Int
    private let vectorSlots: VectorSlots?

    /// The forest must have passed its check.
    init(_ forest: Forest) throws(ImageError) {
        ranked = RankedForest(forest)
        depths = forest.trees.map { $0.depth }
        slots = SlotTable(ranked)
        vectorSlots = VectorSlots(ranked)
        categories = try CategoryTable(forest, firstSlot: (slots.count + 7) & ~7)
        slotCount = max(8, (categories.slotEnd + 7) & ~7)
        guard slotCount <= 1 << 16 else {
            throw ImageError("the model asks \(slotCount) different questions of a row; at most 65,536 are supported")
        }
    }

    mutating func image() throws(ImageError) -> ImageMemory {
        let (slots, categories) = (slots, categories)
        let plan = SchemePlan(forest, depths, hasWords: vectorSlots?.hasWords ?? false)
        let layout = try TreeLayout(forest, depths, cuts: Set(plan.runs.map { $0.trees.lowerBound })) { node in
            node.categories >= 0 ? (categories.slot(node), 0) : slots.question(node)
        }
        var header = plainHeader()
        var writer = ImageWriter()
        let width = header.sum_width
        header.base_margins = try writer.add(numbers: forest.baseMargins, width: width)
        header.quads = try writer.add(slots.quads)
        header.keys = try writer.add(keys: slots.tableKeys, width: header.value_width)
        header.category_columns = try writer.add(categories.layouts)
        header.category_row_of = try writer.add(categories.rowOf)
        header.category_rows = try writer.add(categories.rows)
        header.segments = try writer.add(layout.segments)
        header.heap_nodes = try writer.add(layout.heapNodes)
        header.heap_leaves = try writer.add(numbers: layout.heapLeaves, width: width)
        header.linked_groups = try writer.add(layout.groups)
        header.linked_nodes = try writer.add(layout.linkedNodes)
        header.linked_leaves = try writer.add(numbers: layout.linkedLeaves, width: width)
        header.margin_bias = try writer.add(numbers: forest.marginBias, width: width)
        header.linear_of = try writer.add(layout.linearOf)
        header.linear_leaves = try writer.add(layout.linearLeaves)
        header.linear_terms = try writer.add(layout.linearTerms)
        let outputs = forest.outputCount > 1 ? forest.trees.map { UInt16($0.output) } : []
        header.tree_outputs = try writer.add(outputs)
        try addVectors(plan, layout, to: &writer, &header)
        try BitSliceLayout(ranked, categories)?.write(to: &writer, &header)
        return writer.seal(header)
    }

    /// The forest once more for the SIMD kernels, if its questions fit bytes or words.
    private func addVectors(
        _ plan: SchemePlan, _ scalar: TreeLayout, to writer: inout ImageWriter, _ header: inout serin_image_header
    ) throws(ImageError) {
        guard let vectorSlots else { return }
        try vectorSlots.write(to: &writer, &header)
        let layout = VectorLayout(forest, depths, vectorSlots, plan.runs) { scalar.segments(of: $0) }
        guard let decisions = DecisionRows(layout, categories) else { return }
        header.decision_words = UInt32(decisions.wordCount)
        header.vector_segments = try writer.add(layout.segments)
        header.vector_blocks = try writer.add(bytes: layout.blocks, unit: 64)
        header.vector_leaves = try writer.add(numbers: layout.leaves, width: header.sum_width)
        header.vector_links = try writer.add(layout.links)
        header.vector_paths = try writer.add(bytes: layout.paths, unit: 64)
        header.decision_rows = try writer.add(decisions.words)
    }

    /// Everything but the sections.
    private func plainHeader() -> serin_image_header {
        var header = serin_image_header()
        header.feature_count = UInt32(forest.featureCount)
        header.output_count = UInt32(forest.outputCount)
        header.tree_count = UInt32(forest.treeCount)
        header.slot_count = UInt32(slotCount)
        header.max_depth = UInt32(depths.max() ?? 0)
        header.worst_case_nodes = UInt32(depths.reduce(0, +))
        header.value_width = UInt32(forest.valueWidth == .float32 ? SERIN_FLOAT32 : SERIN_FLOAT64)
        header.sum_width = UInt32(forest.accumulation == .float32 ? SERIN_FLOAT32 : SERIN_FLOAT64)
        header.average_divisor = UInt32(forest.averageDivisor)
        let isNotNegative = forest.categoryRule == .notNegative
        header.category_rule = UInt32(isNotNegative ? SERIN_CATEGORY_NOT_NEGATIVE : SERIN_CATEGORY_ABOVE_MINUS_ONE)
        header.margin_scale = forest.marginScale
        header.zero_band = forest.zeroBand
        header.sigmoid_scale = 1
        switch forest.transform {
        case .identity: header.transform = UInt32(SERIN_TRANSFORM_IDENTITY)
        case .sigmoid(let scale):
            header.transform = UInt32(SERIN_TRANSFORM_SIGMOID)
            header.sigmoid_scale = scale
        case .softmax: header.transform = UInt32(SERIN_TRANSFORM_SOFTMAX)
        case .exponential: header.transform = UInt32(SERIN_TRANSFORM_EXPONENTIAL)
        case .step: header.transform = UInt32(SERIN_TRANSFORM_STEP)
        case .signedSquare: header.transform = UInt32(SERIN_TRANSFORM_SIGNED_SQUARE)
        case .softplus: header.transform = UInt32(SERIN_TRANSFORM_SOFTPLUS)
        case .fastSoftmax: header.transform = UInt32(SERIN_TRANSFORM_FAST_SOFTMAX)
        case .fastExponential: header.transform = UInt32(SERIN_TRANSFORM_FAST_EXPONENTIAL)
        }
        return header
    }
}
