// The threshold searches of a forest: which a row needs, and where each node finds its answer.
//
// Thresholds are gathered by feature and by the way of missing values, made distinct and sorted; a
// node's question becomes "is the rank above k".  A table of more than 65,535 thresholds is split,
// so that ranks fit 16 bits.  Searches are then sorted by length and put in fours of equal length.

internal import CKernels
internal import ModelFormat

struct SlotTable {
    /// Thresholds of one slot: ranks 0 to 65,535.
    private static let thresholdsPerSlot = 65_535

    private let coder: KeyCoder
    private let zeroBand: Double
    /// By feature × missing.
    private let thresholds: ThresholdSubsets
    /// The slots of each 65,535 of their keys.
    private var slots: [[Int]] = []

    private(set) var quads: [serin_quad] = []
    private(set) var tableKeys: [UInt64] = []

    /// Slots taken, a multiple of 4.
    var count: Int { quads.count * 4 }

    private static let missingKinds = 5

    init(_ ranked: RankedForest) {
        coder = ranked.coder
        zeroBand = ranked.forest.zeroBand
        thresholds = ThresholdSubsets(ranked, kinds: Self.missingKinds) { Int($0.rawValue) }
        layOut()
    }

    /// The slot and the rank that must be exceeded to go right.
    func question(_ node: Forest.Node) -> (slot: Int, rank: Int) {
        let place = thresholds.place(node)
        return (slots[thresholds.index(node)][place / Self.thresholdsPerSlot], place % Self.thresholdsPerSlot)
    }

    /// One search, before it has its place.
    private struct Search {
        let index: Int
        let chunk: Int
        let keys: ArraySlice<UInt64>
        /// Steps: the smallest complete tree that holds the keys.
        var levels: Int { Int.bitWidth - keys.count.leadingZeroBitCount }
    }

    private mutating func layOut() {
        var searches: [Search] = []
        for (index, own) in thresholds.keys.enumerated() {
            for start in stride(from: 0, to: own.count, by: Self.thresholdsPerSlot) {
                let end = min(start + Self.thresholdsPerSlot, own.count)
                searches.append(Search(index: index, chunk: start / Self.thresholdsPerSlot, keys: own[start..<end]))
            }
        }
        searches.sort { ($1.levels, $0.index, $0.chunk) < ($0.levels, $1.index, $1.chunk) }
        slots = thresholds.keys.map {
            [Int](repeating: 0, count: ($0.count + Self.thresholdsPerSlot - 1) / Self.thresholdsPerSlot)
        }
        for start in stride(from: 0, to: searches.count, by: 4) {
            add(Array(searches[start..<min(start + 4, searches.count)]))
        }
    }

    /// Puts up to four searches side by side, all as long as the first, the longest; lanes that are
    /// left over repeat it, and nobody asks for their ranks.
    private mutating func add(_ lanes: [Search]) {
        let levels = lanes[0].levels
        var own: [serin_slot] = []
        for (lane, search) in lanes.enumerated() {
            slots[search.index][search.chunk] = quads.count * 4 + lane
            own.append(slot(search, table: tableKeys.count))
            tableKeys += searchTree(search.keys, levels: levels)
        }
        while own.count < 4 { own.append(own[0]) }
        quads.append(serin_quad(levels: UInt32(levels), reserved: 0, slots: (own[0], own[1], own[2], own[3])))
    }

    private func slot(_ search: Search, table: Int) -> serin_slot {
        let missing = Forest.Missing(rawValue: UInt8(search.index % Self.missingKinds))!
        let key: UInt64
        switch missing {
        case .left, .zeroLeft: key = 0
        case .right, .zeroRight: key = coder.largest
        case .zero: key = coder.zero
        }
        let band = missing == .zeroLeft || missing == .zeroRight ? zeroBand : -1
        return serin_slot(
            feature: UInt32(search.index / Self.missingKinds), table: UInt32(table), missing_key: key,
            missing_band: band)
    }

    /// Sorted keys as a complete search tree in breadth-first order; index 0 and the places that
    /// no key fills hold the largest key.
    private func searchTree(_ keys: ArraySlice<UInt64>, levels: Int) -> [UInt64] {
        var tree = [UInt64](repeating: coder.largest, count: 1 << levels)
        for depth in 0..<levels {
            let distance = 1 << (levels - 1 - depth)
            for place in 0..<(1 << depth) {
                let rank = (2 * place + 1) * distance - 1
                if rank < keys.count { tree[1 << depth + place] = keys[keys.startIndex + rank] }
            }
        }
        return tree
    }
}
