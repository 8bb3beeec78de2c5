// A forest ready to score: one contiguous image without pointers, and a view of it for the kernels.
//
//     Forest ──compile──► image ──────────────► cache on disk
//                           │                        │
//                           └──► check every bound ◄─┘
//                                      │
//                                  CompiledForest ──score──► kernels (CKernels)
//
// The image comes from the compiler or from a file; either way nothing in it is used before it is
// checked, so a damaged cache file is refused with a reason and cannot crash a reactor.  It lives
// in anonymous memory: a file that is cut short later does nothing to it.

internal import CKernels
internal import Glibc
internal import Inference
internal import ModelFormat

final class CompiledForest: @unchecked Sendable {
    // SAFETY: the image and the view are written before the initializer returns and only read
    // afterwards, by any number of threads, until deinit frees them.
    let memory: UnsafeMutableRawPointer
    let view: UnsafeMutablePointer<serin_forest>

    let featureCount: Int
    /// Columns of margins and scores.
    let outputCount: Int
    /// Width of margins and scores: the width in which the trainer adds its leaves.
    let scoreType: ValueType
    let treeCount: Int
    /// Splits on the longest path.
    let maxDepth: Int
    /// Splits that a row can meet, over all trees.
    let worstCaseNodesPerRow: Int
    let imageBytes: Int

    /// The kernels in use, such as `scalar`: the fastest for this forest, measured when it was loaded.
    var kernels: String { choice.kernels.rawValue }
    /// Measured nanoseconds of a row that is scored alone, and of a row among 64.
    var nanosPerRow: Double { choice.nanosPerRow }
    var nanosPerBatchedRow: Double { choice.nanosPerBatchedRow }
    private let choice: KernelChoice.Result

    /// Scratch of one row, and how many rows are scored in one go.
    let rowScratchBytes: Int
    let rowsPerChunk: Int

    /// Lays a forest out; checks it first.  `kernels`: the widest instruction set that may score it.
    static func compile(_ forest: Forest, kernels: KernelSet = .avx512) throws -> CompiledForest {
        try forest.check()
        var compiler = try ForestCompiler(forest)
        let image = try compiler.image()
        let bytes = UnsafeRawBufferPointer(start: image.start, count: image.count)
        return try CompiledForest(image: bytes, owning: image, kernels)
    }

    /// Copies an image, from a cache for example, and checks all of it.
    convenience init(image: UnsafeRawBufferPointer, kernels: KernelSet = .avx512) throws(ImageError) {
        guard image.count >= MemoryLayout<serin_image_header>.size, let source = image.baseAddress else {
            throw ImageError("the image is shorter than its header")
        }
        let copy = ImageMemory(count: image.count)
        memcpy(copy.start, source, image.count)
        try self.init(image: UnsafeRawBufferPointer(start: copy.start, count: copy.count), owning: copy, kernels)
    }

    private init(
        image: UnsafeRawBufferPointer, owning memory: consuming ImageMemory, _ kernels: KernelSet
    ) throws(ImageError) {
        let header = try ImageCheck(image).header()
        featureCount = Int(header.feature_count)
        outputCount = Int(header.output_count)
        scoreType = header.sum_width == UInt32(SERIN_FLOAT32) ? .float32 : .float64
        treeCount = Int(header.tree_count)
        maxDepth = Int(header.max_depth)
        worstCaseNodesPerRow = Int(header.worst_case_nodes)
        imageBytes = image.count
        self.memory = memory.release()
        view = .allocate(capacity: 1)
        view.initialize(to: Self.view(of: self.memory, header))
        choice = KernelChoice.choose(view, limit: kernels)
        rowScratchBytes = serin_scratch_bytes(view)
        rowsPerChunk = max(1, min(Int(SERIN_ROWS_MAX), Self.chunkScratchBytes / rowScratchBytes))
    }

    deinit {
        view.deallocate()
        free(memory)
    }

    /// Ranks of a chunk of rows stay in the second-level cache.
    private static let chunkScratchBytes = 512 << 10

    /// A copy of the whole image, to be written to a cache.
    var image: [UInt8] { [UInt8](UnsafeRawBufferPointer(start: memory, count: imageBytes)) }

    private static func view(of memory: UnsafeMutableRawPointer, _ header: serin_image_header) -> serin_forest {
        func at<Element>(_ section: serin_section, _: Element.Type) -> UnsafePointer<Element> {
            UnsafePointer((memory + Int(section.offset)).assumingMemoryBound(to: Element.self))
        }
        return serin_forest(
            header: UnsafePointer(memory.assumingMemoryBound(to: serin_image_header.self)),
            base_margins: UnsafeRawPointer(memory + Int(header.base_margins.offset)),
            quads: at(header.quads, serin_quad.self), keys: UnsafeRawPointer(memory + Int(header.keys.offset)),
            category_columns: at(header.category_columns, serin_category_column.self),
            category_row_of: at(header.category_row_of, UInt32.self),
            category_rows: at(header.category_rows, UInt16.self), segments: at(header.segments, serin_segment.self),
            heap_nodes: at(header.heap_nodes, serin_heap_node.self),
            heap_leaves: UnsafeRawPointer(memory + Int(header.heap_leaves.offset)),
            linked_groups: at(header.linked_groups, serin_linked_group.self),
            linked_nodes: at(header.linked_nodes, serin_linked_node.self),
            linked_leaves: UnsafeRawPointer(memory + Int(header.linked_leaves.offset)),
            margin_bias: header.margin_bias.count > 0
                ? UnsafeRawPointer(memory + Int(header.margin_bias.offset)) : nil,
            linear_of: at(header.linear_of, UInt32.self),
            linear_leaves: at(header.linear_leaves, serin_linear_leaf.self),
            linear_terms: at(header.linear_terms, serin_linear_term.self),
            tree_outputs: header.tree_outputs.count > 0 ? at(header.tree_outputs, UInt16.self) : nil,
            byte_columns: at(header.byte_columns, UInt32.self), byte_slots: at(header.byte_slots, UInt8.self),
            byte_floats: at(header.byte_floats, Float.self), byte_doubles: at(header.byte_doubles, Double.self),
            word_columns: at(header.word_columns, serin_word_column.self),
            word_slots: at(header.word_slots, UInt16.self), word_floats: at(header.word_floats, Float.self),
            word_doubles: at(header.word_doubles, Double.self),
            vector_segments: at(header.vector_segments, serin_vector_segment.self),
            vector_blocks: at(header.vector_blocks, UInt8.self),
            vector_leaves: UnsafeRawPointer(memory + Int(header.vector_leaves.offset)),
            vector_links: at(header.vector_links, serin_link.self),
            vector_paths: at(header.vector_paths, UInt8.self),
            decision_rows: at(header.decision_rows, UInt64.self), row_bytes: 0, decisions_at: 0, ranks_at: 0,
            values_at: 0, sum_bytes: 0, has_scalar_segments: 0, kernels: nil)
    }
}
