// The bit slices of an image: every mask is written before it is read, and nothing is read or written
// outside its table.

internal import CKernels
internal import ModelFormat

extension ImageCheck {
    func checkSlices() throws(ImageError) {
        let segments = try section(head.slice_segments, serin_slice_segment.self)
        guard !segments.isEmpty else {
            let others = [head.slice_columns, head.slice_slots, head.slice_categories]
            try require(others.allSatisfy { $0.count == 0 }, "bit slices without trees")
            return
        }
        try require((1...UInt32(SERIN_SLICE_MASKS_MAX)).contains(head.slice_masks), "count of masks")
        try require(head.slice_splits < 1 << UInt32(SERIN_SLICE_BITS_MAX), "splits of a linked tree")
        try checkSliceColumns()
        try checkMasks()
        var nextTree = 0
        for segment in segments {
            try require(Int(segment.first_tree) == nextTree && segment.tree_count > 0, "order of bit slices")
            nextTree += Int(segment.tree_count)
            try check(segment)
        }
        try require(nextTree == Int(head.tree_count), "trees of the bit slices")
    }

    private func checkSliceColumns() throws(ImageError) {
        let keys = try section(head.slice_keys, Float.self).count
        let limits = try section(head.slice_limits, Double.self).count
        for column in try section(head.slice_columns, serin_slice_column.self) {
            try require(column.feature < head.feature_count, "feature of a sliced column")
            try require((1...UInt32(SERIN_SLICE_LEVELS_MAX)).contains(column.levels), "levels of a sliced column")
            let size = max(32, 1 << Int(column.levels))
            try require(column.keys % 16 == 0 && Int(column.keys) + size <= keys, "keys of a sliced column")
            try require(column.limit_count < 1 << column.levels, "thresholds of a sliced column")
            let end = Int(column.limits) + Int(column.limit_count)
            try require(head.value_width == UInt32(SERIN_FLOAT32) || end <= limits, "thresholds of a sliced column")
        }
    }

    /// Slots and categories fill the masks from 1 on, in order and without a gap.
    private func checkMasks() throws(ImageError) {
        let columns = try section(head.slice_columns, serin_slice_column.self)
        let ranks = try section(head.slice_ranks, UInt8.self)
        var next = 1
        for slot in try section(head.slice_slots, serin_slice_slot.self) {
            try require(slot.column < columns.count && slot.missing <= 2, "column of a slot of masks")
            try require(Int(slot.first_mask) == next, "masks of a slot")
            next += Int(slot.mask_count)
            let own = Int(slot.first_rank)..<Int(slot.first_rank) + Int(slot.mask_count)
            try require(own.upperBound <= ranks.count, "ranks of a slot of masks")
            let levels = columns[Int(slot.column)].levels
            try require(own.allSatisfy { Int(ranks[$0]) < 1 << Int(levels) }, "rank of a mask")
        }
        let categories = try section(head.category_columns, serin_category_column.self)
        for own in try section(head.slice_categories, serin_slice_categories.self) {
            try require(own.column < categories.count && Int(own.first_mask) == next, "masks of categories")
            next += 16 * Int(categories[Int(own.column)].word_count)
        }
        try require(next == Int(head.slice_masks), "count of masks")
    }

    private func check(_ segment: serin_slice_segment) throws(ImageError) {
        let bits = Int(segment.bits)
        try require((1...Int(SERIN_SLICE_BITS_MAX)).contains(bits), "bits of a bit slice")
        let size = head.sum_width == UInt32(SERIN_FLOAT32) ? 4 : 8
        let bytes = Int(segment.tree_count) * max(64, 1 << bits) * size
        let leaves = try section(head.slice_leaves, UInt8.self).count
        try require(segment.first_leaf % 64 == 0 && Int(segment.first_leaf) + bytes <= leaves, "leaves of a bit slice")
        switch Int(segment.kind) {
        case Int(SERIN_SLICE_COMPLETE): try check(segment, masks: Int(segment.tree_count) << bits)
        case Int(SERIN_SLICE_OBLIVIOUS): try check(segment, masks: Int(segment.tree_count) * bits)
        case Int(SERIN_SLICE_LINKED): try checkLinked(segment)
        default: try require(false, "kind of a bit slice")
        }
    }

    private func check(_ segment: serin_slice_segment, masks: Int) throws(ImageError) {
        let nodes = try section(head.slice_nodes, UInt16.self)
        let own = Int(segment.first_node)..<Int(segment.first_node) + masks
        try require(own.upperBound <= nodes.count, "nodes of a bit slice")
        try require(own.allSatisfy { UInt32(nodes[$0]) < head.slice_masks }, "mask of a node")
    }

    private func checkLinked(_ segment: serin_slice_segment) throws(ImageError) {
        let nodes = try section(head.slice_nodes, UInt16.self)
        let starts = try section(head.slice_starts, UInt32.self)
        let own = Int(segment.first_node)..<Int(segment.first_node) + Int(segment.tree_count)
        try require(own.upperBound <= starts.count, "starts of a bit slice")
        for start in starts[own] {
            try require(Int(start) < nodes.count, "start of a linked tree")
            let splits = Int(nodes[Int(start)])
            try require(splits <= Int(head.slice_splits), "splits of a linked tree")
            let leaves = Int(start) + 1 + 2 * splits
            try require(leaves + 1 << Int(segment.bits) <= nodes.count, "nodes of a linked tree")
            for split in 0..<splits {
                let place = Int(start) + 1 + 2 * split
                try require(UInt32(nodes[place]) < head.slice_masks, "mask of a node")
                try require(Int(nodes[place + 1]) < 2 * split + 2, "source of a split")
            }
            try require(
                nodes[leaves..<leaves + 1 << Int(segment.bits)].allSatisfy { Int($0) < 2 * splits + 2 },
                "source of a leaf")
        }
    }
}
