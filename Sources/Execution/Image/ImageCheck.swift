// Everything that must hold before a kernel may touch an image.
//
// The checksum finds damage.  It does not find an image that was made to hurt, nor one from a
// compiler with a bug, so every index that a kernel follows is checked too: after this, no input
// row can lead a kernel outside the image.

internal import CKernels
internal import ModelFormat

struct ImageCheck: SealedImage {
    let image: UnsafeRawBufferPointer
    let head: serin_image_header

    /// `image` is at least as long as the header and 64-byte aligned.
    init(_ image: UnsafeRawBufferPointer) {
        self.image = image
        head = image.loadUnaligned(as: serin_image_header.self)
    }

    /// The header of an image in which everything is in range.
    func header() throws(ImageError) -> serin_image_header {
        try checkSeal()
        try checkSections()
        try checkHeader()
        try checkSlots()
        try checkCategories()
        try checkSegments()
        try checkNodes()
        try checkLinearLeaves()
        try checkBytes()
        try checkWords()
        try checkVectors()
        try checkSlices()
        return head
    }

    /// Every section begins within the image, the empty ones that no other check looks at too: pointers are made
    /// of all of them.
    private func checkSections() throws(ImageError) {
        typealias Header = serin_image_header
        let first = MemoryLayout<Header>.offset(of: \.base_margins)!
        for place in stride(from: first, to: MemoryLayout<Header>.size, by: MemoryLayout<serin_section>.stride) {
            _ = try count(image.loadUnaligned(fromByteOffset: place, as: serin_section.self), 1)
        }
    }

    private func checkHeader() throws(ImageError) {
        try require((1...UInt32(ModelBounds.features)).contains(head.feature_count), "feature count")
        try require((1...UInt32(ModelBounds.outputs)).contains(head.output_count), "output count")
        try require(head.tree_count <= UInt32(ModelBounds.trees), "tree count")
        try require(head.slot_count % 8 == 0 && (8...65_536).contains(head.slot_count), "slot count")
        try require(head.value_width <= UInt32(SERIN_FLOAT64) && head.sum_width <= UInt32(SERIN_FLOAT64), "width")
        try require(head.transform < UInt32(SERIN_TRANSFORM_COUNT), "transform")
        try require((1...UInt32(ModelBounds.trees)).contains(head.average_divisor), "average divisor")
        try require(head.category_rule <= UInt32(SERIN_CATEGORY_ABOVE_MINUS_ONE), "category rule")
        let number = head.sum_width == UInt32(SERIN_FLOAT32) ? 4 : 8
        try require(try count(head.base_margins, number) == Int(head.output_count), "base margins")
        let biases = try count(head.margin_bias, number)
        try require(biases == 0 || biases == Int(head.output_count), "margin bias")
        let outputs = try section(head.tree_outputs, UInt16.self)
        try require(outputs.count == (head.output_count == 1 ? 0 : Int(head.tree_count)), "tree outputs")
        try require(outputs.allSatisfy { UInt32($0) < head.output_count }, "an output")
    }

    private func checkSlots() throws(ImageError) {
        let keys = try count(head.keys, head.value_width == UInt32(SERIN_FLOAT32) ? 4 : 8)
        let quads = try section(head.quads, serin_quad.self)
        try require(quads.count * 4 <= Int(head.slot_count), "more searches than slots")
        for quad in quads {
            try require((1...UInt32(SERIN_LEVELS_MAX)).contains(quad.levels), "levels of a search")
            let slots = quad.slots
            for slot in [slots.0, slots.1, slots.2, slots.3] {
                try require(slot.feature < head.feature_count, "feature of a search")
                try require(Int(slot.table) + 1 << Int(quad.levels) <= keys, "table of a search")
            }
        }
    }

    private func checkCategories() throws(ImageError) {
        let rowOf = try section(head.category_row_of, UInt32.self)
        let words = try section(head.category_rows, UInt16.self).count
        for column in try section(head.category_columns, serin_category_column.self) {
            try require(column.feature < head.feature_count, "feature of a category column")
            let codes = Int(column.row_of)..<Int(column.row_of) + Int(column.code_count)
            try require(!codes.isEmpty && codes.upperBound <= rowOf.count, "codes of a category column")
            try require(column.row_count >= 2, "rows of a category column")
            try require(codes.allSatisfy { rowOf[$0] < column.row_count }, "a code's row")
            let (size, overflow) = Int(column.row_count).multipliedReportingOverflow(by: Int(column.word_count))
            try require(!overflow && size <= words - min(words, Int(column.rows)), "rows of a category column")
            try require(Int(column.first_slot) + 16 * Int(column.word_count) <= Int(head.slot_count), "category slots")
        }
    }

    private func checkSegments() throws(ImageError) {
        let heapNodes = try section(head.heap_nodes, serin_heap_node.self).count
        let number = head.sum_width == UInt32(SERIN_FLOAT32) ? 4 : 8
        try require(try count(head.heap_leaves, number) == heapNodes, "leaves of complete trees")
        let groups = try section(head.linked_groups, serin_linked_group.self).count
        var nextTree = 0
        for segment in try section(head.segments, serin_segment.self) {
            try require(Int(segment.first_tree) == nextTree && segment.tree_count > 0, "order of segments")
            nextTree += Int(segment.tree_count)
            try require(segment.groups_per_block > 0, "blocks of a segment")
            let own = (Int(segment.tree_count) + Int(SERIN_GROUP) - 1) / Int(SERIN_GROUP)
            switch segment.kind {
            case UInt32(SERIN_SEGMENT_HEAP):
                try require(segment.depth <= UInt32(SERIN_HEAP_DEPTH_MAX), "depth of a segment")
                try require(
                    Int(segment.first_node) + own * Int(SERIN_GROUP) << Int(segment.depth) <= heapNodes,
                    "nodes of a segment")
            case UInt32(SERIN_SEGMENT_LINKED), UInt32(SERIN_SEGMENT_LINEAR):
                try require(
                    segment.kind == UInt32(SERIN_SEGMENT_LINKED) || head.linear_of.count > 0, "a linear segment")
                try require(Int(segment.first_node) + own <= groups, "groups of a segment")
            default: try require(false, "kind of a segment")
            }
        }
        try require(nextTree == Int(head.tree_count), "trees of the segments")
    }

    private func checkLinearLeaves() throws(ImageError) {
        let numbers = try section(head.linear_of, UInt32.self)
        let leaves = try section(head.linear_leaves, serin_linear_leaf.self)
        let terms = try section(head.linear_terms, serin_linear_term.self)
        try require(numbers.isEmpty || numbers.count == Int(head.linked_nodes.count), "linear leaves")
        try require(numbers.allSatisfy { $0 <= leaves.count }, "number of a linear leaf")
        for leaf in leaves {
            try require(Int(leaf.first_term) + Int(leaf.term_count) <= terms.count, "terms of a linear leaf")
        }
        try require(terms.allSatisfy { $0.feature < head.feature_count }, "feature of a linear leaf")
    }

    private func checkNodes() throws(ImageError) {
        let slots = head.slot_count
        let heapNodes = try section(head.heap_nodes, serin_heap_node.self)
        try require(heapNodes.allSatisfy { $0 & 0xffff < slots }, "slot of a node")
        let nodes = try section(head.linked_nodes, serin_linked_node.self)
        let number = head.sum_width == UInt32(SERIN_FLOAT32) ? 4 : 8
        try require(try count(head.linked_leaves, number) == nodes.count, "leaves of linked trees")
        for node in nodes {
            try require(UInt32(node.slot) < slots, "slot of a node")
            // Nothing exceeds rank 65,535, so a leaf never steps to the node behind its own.
            try require(Int(node.left) + (node.rank == .max ? 0 : 1) < nodes.count, "child of a node")
        }
        for group in try section(head.linked_groups, serin_linked_group.self) {
            try require(group.depth <= UInt32(ModelBounds.depth), "depth of a group")
            let roots = group.roots
            for root in [roots.0, roots.1, roots.2, roots.3, roots.4, roots.5, roots.6, roots.7] {
                try require(Int(root) < nodes.count, "root of a tree")
            }
        }
    }
}
