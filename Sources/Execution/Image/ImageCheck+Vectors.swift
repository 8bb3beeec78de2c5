// The SIMD kernels' trees: every block, leaf and decision word that a scheme may touch exists.
//
// Slot bytes need no check: the kernels look them up in registers, by as many bits of the index as
// there are slots.  Nor do the pointers of pointer doubling: they are cut to a register's lanes, the last
// one to a tree's leaves.  What is left are counts.

internal import CKernels
internal import ModelFormat

extension ImageCheck {
    func checkVectors() throws(ImageError) {
        try checkDecisions()
        let segments = try section(head.vector_segments, serin_vector_segment.self)
        let number = head.sum_width == UInt32(SERIN_FLOAT32) ? 4 : 8
        let blocks = try count(head.vector_blocks, 64)
        let leaves = try count(head.vector_leaves, number)
        _ = try count(head.vector_paths, 64)
        let links = try section(head.vector_links, serin_link.self)
        try require(segments.isEmpty || head.byte_slot_count > 0 || head.word_slot_count > 0, "vectors without slots")
        var nextTree = 0
        for segment in segments {
            try require(Int(segment.first_tree) == nextTree && segment.tree_count > 0, "order of vector segments")
            nextTree += Int(segment.tree_count)
            if segment.scheme == UInt32(SERIN_SCHEME_SCALAR) {
                try checkScalar(segment)
                continue
            }
            try require(Int(segment.first_block) + Int(segment.block_count) <= blocks, "blocks of a vector segment")
            try require(Int(segment.first_leaf) + Int(segment.leaf_count) <= leaves, "leaves of a vector segment")
            try check(segment, links)
        }
        try require(segments.isEmpty || nextTree == Int(head.tree_count), "trees of the vector segments")
    }

    private func checkDecisions() throws(ImageError) {
        let words = try section(head.decision_rows, UInt64.self).count
        let columns = try section(head.category_columns, serin_category_column.self)
        try require(head.decision_words % 8 == 0 && head.decision_words < 1 << 24, "decision words")
        // The rows' counts were checked against a section that is in memory: their sum cannot overflow.
        let rows = columns.reduce(0) { $0 + Int($1.row_count) }
        try require(head.decision_words == 0 || !columns.isEmpty, "decisions without categories")
        let (needed, overflow) = rows.multipliedReportingOverflow(by: Int(head.decision_words))
        try require(!overflow && needed == words, "decision rows")
    }

    /// A run of the scalar walk: segments that cover just its trees.
    private func checkScalar(_ segment: serin_vector_segment) throws(ImageError) {
        let scalar = try section(head.segments, serin_segment.self)
        let own = Int(segment.first_block)..<Int(segment.first_block) + Int(segment.block_count)
        try require(!own.isEmpty && own.upperBound <= scalar.count, "scalar segments of a vector segment")
        let trees = own.reduce(0) { $0 + Int(scalar[$1].tree_count) }
        try require(
            scalar[own.lowerBound].first_tree == segment.first_tree && trees == Int(segment.tree_count),
            "trees of a scalar run")
    }

    private func check(
        _ segment: serin_vector_segment, _ links: UnsafeBufferPointer<serin_link>
    ) throws(ImageError) {
        let depth = Int(segment.depth)
        let padded = (Int(segment.tree_count) + 15) & ~15
        try require(
            head.word_slot_count == 0 || segment.scheme == UInt32(SERIN_SCHEME_LINKED), "a scheme for bytes")
        switch segment.scheme {
        case UInt32(SERIN_SCHEME_COMPLETE):
            try require((3...6).contains(depth), "depth of complete trees")
            try require(segment, lanes: padded << depth, bytes: 128, leaves: padded << depth)
        case UInt32(SERIN_SCHEME_BLOCKS):
            try require(depth == 7 || depth == 8, "depth of trees in blocks")
            let upper = padded << (depth - 4)
            try require(Int(segment.block_count) == upper * 2 / 64 + upper * 32 / 64, "blocks of a vector segment")
            try require(Int(segment.leaf_count) == padded << depth, "leaves of a vector segment")
            try require(segment.first_decision == SERIN_NO_DECISIONS, "decisions of a vector segment")
        case UInt32(SERIN_SCHEME_DOUBLING):
            try require(depth == 32 || depth == 64, "lanes of a tree")
            let lanes = Int(segment.tree_count) * depth
            try require(segment, lanes: (lanes + 63) & ~63, bytes: 256, leaves: lanes)
            try checkPaths(segment)
        case UInt32(SERIN_SCHEME_PLANES):
            try require((1...8).contains(depth), "depth of oblivious trees")
            let groups = (Int(segment.tree_count) + 63) / 64
            try require(segment, lanes: groups * depth * 64, bytes: 128, leaves: groups * 64 << depth)
        case UInt32(SERIN_SCHEME_LINKED): try checkLinks(segment, links, padded: padded)
        default: try require(false, "scheme of a vector segment")
        }
    }

    /// Paths lead nowhere but to a leaf's number below 32; pointers must stay in their table.
    private func checkPaths(_ segment: serin_vector_segment) throws(ImageError) {
        let units = try count(head.vector_paths, 64)
        let own = Int(segment.tree_count) * (segment.depth == 32 ? 4 : 8)
        try require(Int(segment.first_path) + own <= units, "paths of a vector segment")
        guard segment.depth == 64 else { return }
        // SAFETY: within the image, as just checked.
        let start = image.baseAddress! + Int(head.vector_paths.offset) + 64 * Int(segment.first_path)
        let pointers = UnsafeBufferPointer(start: start.assumingMemoryBound(to: UInt16.self), count: 32 * own)
        try require(pointers.allSatisfy { (256..<384).contains($0) }, "a pointer of a vector segment")
    }

    /// Every child of a linked block is a block or a leaf of the segment.  A walk takes `depth` steps,
    /// whatever it meets, and answers leaf 0 if it has met none.
    private func checkLinks(
        _ segment: serin_vector_segment, _ links: UnsafeBufferPointer<serin_link>, padded: Int
    ) throws(ImageError) {
        let own = Int(segment.first_link)..<Int(segment.first_link) + Int(segment.link_count)
        try require(own.count >= padded && own.upperBound <= links.count, "links of a vector segment")
        let bytes = own.count * (head.word_slot_count > 0 ? 96 : 32)
        try require(Int(segment.block_count) == (bytes + 63) / 64, "blocks of a vector segment")
        try require(segment.leaf_count > 0 && segment.depth <= UInt32(ModelBounds.depth), "a linked segment")
        try require(segment.first_decision == SERIN_NO_DECISIONS, "decisions of a vector segment")
        let limit = Int(segment.link_count) + Int(segment.leaf_count)
        try require(limit < 1 << 31, "numbers of a linked segment")
        for link in links[own] {
            let end = Int(link.base) + link.boundaries.nonzeroBitCount
            try require(end < limit, "children of a linked block")
        }
    }

    /// As many blocks, leaves and decision words as so many lanes need.
    private func require(
        _ segment: serin_vector_segment, lanes: Int, bytes: Int, leaves: Int
    ) throws(ImageError) {
        try require(Int(segment.block_count) == lanes / 64 * bytes / 64, "blocks of a vector segment")
        try require(Int(segment.leaf_count) == leaves, "leaves of a vector segment")
        guard segment.first_decision != SERIN_NO_DECISIONS else { return }
        try require(
            Int(segment.first_decision) + lanes / 64 <= Int(head.decision_words), "decisions of a vector segment")
    }
}
