// Byte slots: every question of a forest answered as the oracle answers it, by every instruction set.

import CKernels
import ModelFormat
import Testing

@testable import Execution

@Suite struct ByteSlotTests {
    /// The answers of one level to the distinct questions of a forest: [row][question].
    private func answers(
        _ forest: Forest, _ rows: [[Double]], _ type: NumberWidth, level: UInt32
    ) throws -> [[Bool]]? {
        let ranked = RankedForest(forest)
        guard let slots = ByteSlots(ranked) else { return nil }
        let questions = ranked.forest.trees.flatMap { $0.nodes }.filter { $0.asksThreshold }
        let compiled = try CompiledForest.compile(forest)
        #expect(Int(compiled.view.pointee.header.pointee.byte_slot_count) == slots.slotCount)
        var view = compiled.view.pointee
        view.kernels = serin_kernels_at(level)
        let bytes = UnsafeMutablePointer<UInt8>(
            OpaquePointer(UnsafeMutableRawPointer.allocate(byteCount: slots.slotCount, alignment: 64)))
        defer { bytes.deallocate() }
        return rows.map { values in
            values.withUnsafeRow(type) { start in
                var row = serin_row()
                row.values = start
                row.value_width = UInt32(type == .float32 ? SERIN_FLOAT32 : SERIN_FLOAT64)
                serin_bytes(&view, &row, bytes)
            }
            return questions.map { node in
                let (slot, rank) = slots.question(node)
                return bytes[Int(slot)] > rank
            }
        }
    }

    /// The oracle's answer, from a tree of the one split.
    private func reference(_ forest: Forest, _ node: Forest.Node, _ row: [Double], _ type: NumberWidth) -> Bool {
        var single = forest
        var split = node
        (split.left, split.right) = (1, 2)
        single.trees = [Forest.Tree(output: 0, nodes: [split, .leaf(0), .leaf(1)])]
        single.accumulation = .float64
        single.baseMargins = [0]
        (single.averageDivisor, single.marginScale, single.marginBias) = (1, 1, [])
        single.transform = .identity
        return ReferenceScorer.score(single, row: row, rowType: type).margins[0] == 1
    }

    private func compare(_ forest: Forest, _ rows: [[Double]], _ place: String) throws -> Int {
        let questions = forest.trees.flatMap { $0.nodes }.filter { $0.asksThreshold }
        for type in [NumberWidth.float32, .float64] {
            let expected = rows.map { row in questions.map { reference(forest, $0, row, type) } }
            for level in 0...serin_level() {
                guard let got = try answers(forest, rows, type, level: level) else { return 0 }
                if got != expected { Issue.record("\(place), level \(level), \(type) rows") }
            }
        }
        return rows.count * questions.count
    }

    @Test func everyLevelAnswersAsTheOracle() throws {
        var compared = 0
        for seed in 1...SeedCount.of(150) {
            var random = RandomForests(seed: seed)
            let forest = random.forest(features: [3, 20, 64, 65, 90][Int(seed % 5)], maxTrees: 8)
            compared += try compare(forest, random.rows(forest, count: 8), "seed \(seed)")
        }
        #expect(compared > 300 * Int(SeedCount.of(150)))
    }

    /// Columns at every edge of their tables: one step, two, several columns a feature.
    @Test(arguments: [1, 15, 16, 17, 255, 256, 510, 2_000, 16_000])
    func anyNumberOfThresholds(count: Int) throws {
        var random = RandomForests(seed: UInt64(count))
        for comparison in [Forest.Comparison.less, .lessOrEqual] {
            var forest = random.forest(features: 2, maxTrees: 0)
            (forest.comparison, forest.zeroBand) = (comparison, 0)
            forest.trees = (0..<count).map { place in
                let node = Forest.Node.split(
                    feature: 1, threshold: Double(place - count / 2), left: 1, right: 2, missing: .zero)
                return Forest.Tree(output: 0, nodes: [node, .leaf(0), .leaf(1)])
            }
            let values = (0..<6).map { _ in Double(Int.random(in: -count...count, using: &random.generator)) / 2 }
            let rows = (values + [.infinity, -.infinity, .nan, 0]).map { [1, $0] }
            #expect(try compare(forest, rows, "\(count) thresholds") > 0)
        }
    }

    @Test func moreThan256SlotsHaveNone() {
        var random = RandomForests(seed: 5)
        let forest = random.forest(features: 700, maxTrees: 200, maxSplits: 60, poolSize: 300)
        #expect(ByteSlots(RankedForest(forest)) == nil)
    }
}

extension [Double] {
    /// The row's bytes in the width given.
    func withUnsafeRow(_ type: NumberWidth, _ body: (UnsafeRawPointer) -> Void) {
        switch type {
        case .float32: map { Float($0) }.withUnsafeBytes { body($0.baseAddress!) }
        case .float64: withUnsafeBytes { body($0.baseAddress!) }
        }
    }
}
