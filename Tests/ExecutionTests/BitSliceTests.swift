// Bit slices: batches of any size equal the oracle, bit for bit, by every instruction set that has them.

import CKernels
import Inference
import ModelFormat
import Testing

@testable import Execution

@Suite struct BitSliceTests {
    /// The margins of one block, narrow or wide, of rows that arrive as `types` in turn; nil: the level has
    /// no bit slices, or the forest.
    private func margins(
        _ compiled: CompiledForest, _ rows: ArraySlice<[Double]>, _ types: [NumberWidth], level: UInt32, isWide: Bool
    ) -> [[Double]]? {
        var view = compiled.view.pointee
        serin_lay_out(&view, level)
        guard view.slices.segment_count > 0, view.slice_words > 0 else { return nil }
        let words = isWide ? Int(view.slice_words) : 1
        let rows = rows.prefix(64 * words)
        let values = UnsafeMutableRawPointer.allocate(byteCount: rows.count * compiled.featureCount * 8, alignment: 8)
        let scratch = UnsafeMutableRawPointer.allocate(byteCount: serin_bitslice_scratch(&view, words), alignment: 64)
        let sums = UnsafeMutableRawPointer.allocate(byteCount: rows.count * Int(view.sum_bytes), alignment: 64)
        defer { for memory in [values, scratch, sums] { memory.deallocate() } }
        let table = rows.enumerated().map { index, row in
            Self.store(row, types[index % types.count], at: values + index * compiled.featureCount * 8)
        }
        serin_bitslice(&view, table, rows.count, words, scratch, sums)
        return (0..<rows.count).map { finish(compiled, &view, sums + $0 * Int(view.sum_bytes)) }
    }

    private func finish(
        _ compiled: CompiledForest, _ view: UnsafePointer<serin_forest>, _ sums: UnsafeMutableRawPointer
    ) -> [Double] {
        let scores = UnsafeMutableRawPointer.allocate(byteCount: Int(view.pointee.sum_bytes), alignment: 8)
        defer { scores.deallocate() }
        _ = serin_finish(view, sums, sums, scores)
        return (0..<compiled.outputCount).map { output in
            compiled.scoreType == .float32
                ? Double(sums.load(fromByteOffset: output * 4, as: Float.self))
                : sums.load(fromByteOffset: output * 8, as: Double.self)
        }
    }

    private static func store(_ values: [Double], _ type: NumberWidth, at place: UnsafeMutableRawPointer) -> serin_row {
        for (index, value) in values.enumerated() {
            if type == .float32 {
                place.storeBytes(of: Float(value), toByteOffset: 4 * index, as: Float.self)
            } else {
                place.storeBytes(of: value, toByteOffset: 8 * index, as: Double.self)
            }
        }
        var row = serin_row()
        row.values = UnsafeRawPointer(place)
        row.value_width = UInt32(type == .float32 ? SERIN_FLOAT32 : SERIN_FLOAT64)
        return row
    }

    /// Compares narrow and wide blocks of all levels with the oracle; gives the rows compared.
    private func compare(_ forest: Forest, _ rows: [[Double]], _ place: String) throws -> Int {
        let compiled = try CompiledForest.compile(forest)
        var compared = 0
        for types in [[NumberWidth.float32], [.float64], [.float32, .float64, .float64]] {
            let expected = rows.enumerated().map { index, row in
                ReferenceScorer.score(forest, row: row, rowType: types[index % types.count]).margins
            }
            for level in 0...serin_level() {
                for isWide in [false, true] {
                    guard let got = margins(compiled, rows[...], types, level: level, isWide: isWide) else { continue }
                    compared += got.count
                    guard let row = got.indices.first(where: { bits([got[$0]]) != bits([expected[$0]]) }) else {
                        continue
                    }
                    Issue.record("\(place), level \(level), row \(row): \(got[row]), reference \(expected[row])")
                }
            }
        }
        return compared
    }

    @Test func randomForestsAgree() throws {
        var compared = 0
        for seed in 1...SeedCount.of(150) {
            var random = RandomForests(seed: seed)
            let forest = random.forest(maxTrees: 40, maxSplits: [3, 20, 60, 120, 255][Int(seed % 5)])
            let count = [1, 7, 63, 64, 65, 200, 511, 512][Int(seed % 8)]
            compared += try compare(forest, random.rows(forest, count: count), "seed \(seed)")
        }
        #expect(serin_level() == 0 || compared > 0)
    }

    /// Complete and oblivious trees of every depth.
    @Test(arguments: 1...8) func completeTreesAgree(depth: Int) throws {
        for isOblivious in [false, true] {
            var random = RandomForests(seed: UInt64(depth))
            var forest = random.forest(maxTrees: 0)
            forest.categorySets = []
            forest.trees = (0..<21).map { _ in random.completeTree(forest, depth: depth, isOblivious: isOblivious) }
            _ = try compare(forest, random.rows(forest, count: 512), "depth \(depth), \(isOblivious)")
        }
    }

    /// Whole batches through the model, so that blocks of all kinds follow each other.
    @Test(arguments: [1, 7, 63, 64, 65, 511, 512, 513, 2_000]) func batchesOfAnySizeAgree(count: Int) throws {
        for seed in 1...12 as ClosedRange<UInt64> {
            var random = RandomForests(seed: seed &* 1_000 &+ UInt64(count))
            let forest = random.forest(maxTrees: 30, maxSplits: 100)
            let rows = random.rows(forest, count: count)
            let model = try CompiledModel.compile(forest)
            for type in [NumberWidth.float32, .float64] {
                let got = score(model, rows, type, scratchRows: [count, 300, 40][Int(seed % 3)])
                let expected = rows.map { ReferenceScorer.score(forest, row: $0, rowType: type) }
                #expect(bits(got.margins) == bits(expected.map { $0.margins }), "seed \(seed)")
                #expect(bits(got.scores) == bits(expected.map { $0.scores }), "seed \(seed)")
            }
        }
    }

    /// Doubles that round to the same float as thresholds do, several thresholds among them.
    @Test func doublesBesideThresholdsAgree() throws {
        var random = RandomForests(seed: 77)
        let pool = (0..<40).map { (index: Int) -> Double in
            let (whole, part) = (Double(index / 4), Double(index % 4))
            return 1.5 + whole + part * 1e-12
        }
        for comparison in [Forest.Comparison.less, .lessOrEqual] {
            var forest = Forest(
                featureCount: 3, valueWidth: .float64, comparison: comparison, trees: [], accumulation: .float64,
                baseMargins: [0])
            forest.trees = (0..<20).map { _ in random.completeTree(forest, depth: 5, isOblivious: false, pool: pool) }
            let near: [Double] = pool.flatMap { [$0, $0.nextUp, $0.nextDown, Double(Float($0))] }
            let rows = (0..<512).map { _ in (0..<3).map { _ in near.randomElement(using: &random.generator)! } }
            #expect(try compare(forest, rows, "\(comparison)") > 0 || serin_level() == 0)
        }
    }
}

extension RandomForests {
    /// A tree that is full down to `depth`; an oblivious one asks one question a level.
    mutating func completeTree(
        _ forest: Forest, depth: Int, isOblivious: Bool, pool: [Double] = (0..<30).map { Double($0) / 4 - 3 }
    ) -> Forest.Tree {
        var nodes: [Forest.Node] = []
        var level: [Forest.Node] = []
        for place in 1..<1 << (depth + 1) {
            if place >= 1 << depth {
                nodes.append(.leaf(Double(Float.random(in: -1...1, using: &generator))))
                continue
            }
            if place & (place - 1) == 0 { level = [] }
            if level.isEmpty || !isOblivious {
                level = [
                    .split(
                        feature: Int32.random(in: 0..<Int32(forest.featureCount), using: &generator),
                        threshold: pool.randomElement(using: &generator)!, left: 0, right: 0,
                        missing: [.left, .right, .zero].randomElement(using: &generator)!)
                ]
            }
            var node = level[0]
            (node.left, node.right) = (Int32(2 * place - 1), Int32(2 * place))
            nodes.append(node)
        }
        return Forest.Tree(output: Int.random(in: 0..<forest.outputCount, using: &generator), nodes: nodes)
    }
}
