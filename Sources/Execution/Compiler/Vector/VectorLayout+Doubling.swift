// Trees of any shape with at most 63 splits: child pointers for avx512_doubling.h, and each leaf's
// path or pointers (avx2_paths.h, avx2_pointers.h).

internal import CKernels
internal import ModelFormat

extension VectorLayout {
    /// Splits in the order of the tree's nodes; gives the doublings that reach a leaf from every root.
    mutating func addDoubling(_ trees: ArraySlice<Forest.Tree>, _ lanes: Int) -> Int {
        let start = openBlocks(lanes: trees.count * lanes, rest: 128)
        let firstLeaf = openLeaves(trees.count * lanes)
        for (index, tree) in trees.enumerated() {
            addDoubling(tree, lane: index * lanes, of: start, firstLeaf: firstLeaf + index * lanes)
            if lanes == 32 { addPaths(tree) } else { addPointers(tree) }
        }
        let deepest = depths[trees.indices].reduce(1) { max($0, $1) }
        return Int.bitWidth - (deepest - 1).leadingZeroBitCount
    }

    private mutating func addDoubling(_ tree: Forest.Tree, lane first: Int, of start: Int, firstLeaf: Int) {
        let children = start + first / 64 * 256 + 128
        let offset = first % 64
        var numbers = [UInt8](repeating: 0, count: tree.nodes.count)
        var (splits, leafCount) = (0, 0)
        for (index, node) in tree.nodes.enumerated() {
            if node.isLeaf {
                leaves[firstLeaf + leafCount] = node.value
                numbers[index] = UInt8(leafCount)
                leafCount += 1
            } else {
                numbers[index] = UInt8(0x80 | offset + splits)
                splits += 1
            }
        }
        var lane = 0
        for node in tree.nodes where !node.isLeaf {
            put(node, lane: first + lane, of: start, rest: 128)
            blocks[children + offset + lane] = numbers[Int(node.left)]
            blocks[children + 64 + offset + lane] = numbers[Int(node.right)]
            lane += 1
        }
        // A tree without a split has leaf 0, as every idle lane says.
    }

    /// Lanes of splits and numbers of leaves, by node.
    private static func numbers(_ tree: Forest.Tree) -> [Int] {
        var (splits, leafCount) = (0, 0)
        return tree.nodes.map { node in
            if node.isLeaf { leafCount += 1 } else { splits += 1 }
            return (node.isLeaf ? leafCount : splits) - 1
        }
    }

    /// The way to each leaf of 32: the splits above it, and those of them that it lies right of.
    private mutating func addPaths(_ tree: Forest.Tree) {
        let numbers = Self.numbers(tree)
        // A leaf that is not there has a turn without a split: no row takes it.
        var own = [UInt32](repeating: 0, count: 32) + [UInt32](repeating: 1, count: 32)
        var open: [(node: Int32, path: UInt32, turns: UInt32)] = [(0, 0, 0)]
        while let (index, path, turns) = open.popLast() {
            let node = tree.nodes[Int(index)]
            if node.isLeaf {
                let place = Self.packedPlace(numbers[Int(index)])
                (own[place], own[32 + place]) = (path, turns)
            } else {
                let bit: UInt32 = 1 << UInt32(numbers[Int(index)])
                open.append((node.left, path | bit, turns))
                open.append((node.right, path | bit, turns | bit))
            }
        }
        own.withUnsafeBytes { paths += $0 }
    }

    /// Where leaf `leaf` stands, so that packing four compares of eight by halves of a register gives
    /// the leaves in order.
    private static func packedPlace(_ leaf: Int) -> Int { leaf % 16 / 4 * 8 + leaf / 16 * 4 + leaf % 4 }

    /// Two pointers a split, one a leaf: see avx2_pointers.h.
    private mutating func addPointers(_ tree: Forest.Tree) {
        let numbers = Self.numbers(tree)
        let firstLeaf: UInt16 = 256 + 64
        func pointer(_ node: Int32) -> UInt16 {
            (tree.nodes[Int(node)].isLeaf ? firstLeaf : 256) + UInt16(numbers[Int(node)])
        }
        var own = [UInt16](repeating: firstLeaf, count: 256)
        for leaf in 0..<64 { own[128 + 2 * leaf] = firstLeaf + UInt16(leaf) }
        for (index, node) in tree.nodes.enumerated() where !node.isLeaf {
            own[2 * numbers[index]] = pointer(node.left)
            own[2 * numbers[index] + 1] = pointer(node.right)
        }
        own.withUnsafeBytes { paths += $0 }
    }
}
