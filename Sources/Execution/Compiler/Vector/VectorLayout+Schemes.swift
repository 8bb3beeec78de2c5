// The schemes' layouts, one function each.

internal import CKernels
internal import ModelFormat

extension VectorLayout {
    private static let group = Int(SERIN_VECTOR_GROUP)

    private static func padded(_ count: Int) -> Int { (count + group - 1) / group * group }

    mutating func openLeaves(_ count: Int) -> Int {
        leaves += [Double](repeating: 0, count: count)
        return leaves.count - count
    }

    /// avx512_complete.h: tree t's node at place p is lane (t << depth) + p.
    mutating func addComplete(_ trees: ArraySlice<Forest.Tree>, _ depth: Int) {
        let count = Self.padded(trees.count) << depth
        let (start, firstLeaf) = (openBlocks(lanes: count), openLeaves(count))
        for (index, tree) in trees.enumerated() {
            let base = index << depth
            tree.visitComplete(
                depth: depth, split: { put($0, lane: base + $1, of: start) },
                leaf: { value, range in for place in range { leaves[firstLeaf + base + place] = value } })
        }
    }

    /// avx512_blocks.h: the upper levels as complete trees, then 32 bytes a block of four levels.
    mutating func addBlocks(_ trees: ArraySlice<Forest.Tree>, _ depth: Int) {
        let upper = depth - 4
        let count = Self.padded(trees.count)
        let start = openBlocks(lanes: count << upper)
        let lower = blocks.count
        let blockCount = count << upper
        for _ in 0..<blockCount {
            blocks.append(contentsOf: repeatElement(0, count: 16))
            blocks.append(contentsOf: repeatElement(255, count: 16))
        }
        let firstLeaf = openLeaves(count << depth)
        for (index, tree) in trees.enumerated() {
            tree.visitComplete(
                depth: depth,
                split: { node, place in
                    if place < 1 << upper {
                        put(node, lane: index << upper + place, of: start)
                    } else {
                        putLower(node, place, upper, lower + (index << upper) * 32)
                    }
                },
                leaf: { value, range in
                    for place in range { leaves[firstLeaf + index << depth + place] = value }
                })
        }
    }

    /// A node of the lower levels, in the blocks of its tree that begin at `start`.
    private mutating func putLower(_ node: Forest.Node, _ place: Int, _ upper: Int, _ start: Int) {
        let level = Int.bitWidth - 1 - place.leadingZeroBitCount - upper
        let block = place >> level - 1 << upper
        let lane = 1 << level + place & (1 << level - 1)
        let (slot, rank) = byteQuestion(node)
        blocks[start + block * 32 + lane] = slot
        blocks[start + block * 32 + 16 + lane] = rank
    }

    /// avx512_planes.h: 64 trees at a time, a block a level.
    mutating func addPlanes(_ trees: ArraySlice<Forest.Tree>, _ depth: Int) {
        let groups = (trees.count + 63) / 64
        let start = openBlocks(lanes: groups * depth * 64)
        let firstLeaf = openLeaves(groups * 64 << depth)
        for (index, tree) in trees.enumerated() {
            let lane = index / 64 * depth * 64 + index % 64
            tree.visitComplete(
                depth: depth,
                split: { node, place in
                    // The first node of each level speaks for all of them.
                    guard place & (place - 1) == 0 else { return }
                    put(node, lane: lane + place.trailingZeroBitCount * 64, of: start)
                },
                leaf: { value, range in
                    for place in range { leaves[firstLeaf + index << depth + place] = value }
                })
        }
    }
}
