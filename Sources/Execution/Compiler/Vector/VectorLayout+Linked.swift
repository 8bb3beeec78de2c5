// Linked blocks (avx512_linked.h): a tree cut into complete pieces of four or five levels.

internal import CKernels
internal import ModelFormat

extension VectorLayout {
    /// Levels of a block: what a quarter of a register of bytes or one of words holds.
    static func linkedLevels(hasWords: Bool) -> Int { hasWords ? 5 : 4 }

    /// Blocks of all roots first, then each block's children as it is met; gives the number of blocks.
    mutating func addLinked(_ trees: ArraySlice<Forest.Tree>) -> Int {
        let padded = (trees.count + 15) / 16 * 16
        let (start, firstLeaf, firstLink) = (blocks.count, leaves.count, links.count)
        for _ in 0..<padded { openLinkedBlock() }
        for (index, tree) in trees.enumerated() {
            var open: [(node: Int32, block: Int)] = [(0, index)]
            var next = 0
            while next < open.count {
                let (node, block) = open[next]
                next += 1
                let pieces = pieces(of: tree, from: node, block: block, start: start)
                let count = links.count - firstLink
                links[firstLink + block] = link(tree, pieces, blockCount: count, firstLeaf: firstLeaf)
                if links[firstLink + block].base & Self.leafMark != 0 { continue }
                for (offset, piece) in pieces.enumerated() {
                    open.append((piece.node, count + offset))
                    openLinkedBlock()
                }
            }
        }
        closeLinked(firstLink: firstLink, firstLeaf: firstLeaf)
        return links.count - firstLink
    }

    /// Marks a base that counts leaves until the number of blocks, which stand before them, is known.
    private static let leafMark: UInt32 = 1 << 31

    private mutating func closeLinked(firstLink: Int, firstLeaf: Int) {
        // What padding trees answer.
        if leaves.count == firstLeaf { leaves.append(0) }
        let blockCount = UInt32(links.count - firstLink)
        for index in firstLink..<links.count where links[index].base & Self.leafMark != 0 {
            links[index].base = links[index].base & ~Self.leafMark + blockCount
        }
        while blocks.count % 64 != 0 { blocks.append(0) }
    }

    private mutating func openLinkedBlock() {
        links.append(serin_link(base: Self.leafMark, boundaries: 0))
        if hasWords {
            blocks.append(contentsOf: repeatElement(0, count: 32))
            blocks.append(contentsOf: repeatElement(255, count: 64))
        } else {
            blocks.append(contentsOf: repeatElement(0, count: 16))
            blocks.append(contentsOf: repeatElement(255, count: 16))
        }
    }

    /// Fills a block with the splits of the levels below `root`; gives what is below them, left to
    /// right, with the first place of each.
    private mutating func pieces(
        of tree: Forest.Tree, from root: Int32, block: Int, start: Int
    ) -> [(node: Int32, place: Int)] {
        let levels = Self.linkedLevels(hasWords: hasWords)
        var pieces: [(node: Int32, place: Int)] = []
        var open: [(node: Int32, place: Int, level: Int)] = [(root, 1, 0)]
        while let (index, place, level) = open.popLast() {
            let node = tree.nodes[Int(index)]
            if node.isLeaf || level == levels {
                pieces.append((index, place << (levels - level) - 1 << levels))
            } else {
                putLinked(node, lane: place, block: block, start: start)
                // The left one comes off first.
                open.append((node.right, 2 * place + 1, level + 1))
                open.append((node.left, 2 * place, level + 1))
            }
        }
        return pieces
    }

    private mutating func putLinked(_ node: Forest.Node, lane: Int, block: Int, start: Int) {
        switch slots {
        case .bytes(let slots):
            let (slot, rank) = slots.question(node)
            blocks[start + block * 32 + lane] = slot
            blocks[start + block * 32 + 16 + lane] = rank
        case .words(let slots):
            let (slot, rank) = slots.question(node)
            let ranks = start + block * 96 + 32
            blocks[start + block * 96 + lane] = slot
            blocks[ranks + 2 * lane] = UInt8(truncatingIfNeeded: rank)
            blocks[ranks + 2 * lane + 1] = UInt8(rank >> 8)
        }
    }

    /// The link of a block: to leaves, if it has nothing else below, or to blocks, of which those of
    /// leaves ask nothing.
    private mutating func link(
        _ tree: Forest.Tree, _ pieces: [(node: Int32, place: Int)], blockCount: Int, firstLeaf: Int
    ) -> serin_link {
        var boundaries: UInt32 = 0
        for (_, place) in pieces where place > 0 { boundaries |= 1 << UInt32(place) }
        guard pieces.allSatisfy({ tree.nodes[Int($0.node)].isLeaf }) else {
            return serin_link(base: UInt32(blockCount), boundaries: boundaries)
        }
        let first = UInt32(leaves.count - firstLeaf)
        for (index, _) in pieces { leaves.append(tree.nodes[Int(index)].value) }
        return serin_link(base: first | Self.leafMark, boundaries: boundaries)
    }
}
