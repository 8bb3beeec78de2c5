// Every set of kernels == the oracle, bit for bit, on forests of every shape that a scheme is for.
//
// SERIN_KERNEL_FORESTS says how many forests, 240 if it does not; 10,000 take some minutes.

import CKernels
import Foundation
import Inference
import ModelFormat
import Testing

@testable import Execution

@Suite struct KernelParityTests {
    /// Scores rows with the kernels of a level, all at once or one by one: margins, then scores.
    private func score(
        _ forest: CompiledForest, _ rows: [[Double]], _ type: NumberWidth, level: UInt32, together: Bool
    ) -> [[Double]] {
        var view = forest.view.pointee
        serin_lay_out(&view, level)
        let width = forest.scoreType.byteCount
        let outputBytes = forest.outputCount * width
        let scratch = UnsafeMutableRawPointer.allocate(
            byteCount: serin_scratch_bytes(&view) * max(1, rows.count), alignment: 64)
        let results = UnsafeMutableRawPointer.allocate(byteCount: 2 * outputBytes * max(1, rows.count), alignment: 64)
        let valueWidth = type == .float32 ? 4 : 8
        let values = UnsafeMutableRawPointer.allocate(
            byteCount: valueWidth * rows.count * forest.featureCount, alignment: 64)
        defer { for memory in [scratch, results, values] { memory.deallocate() } }
        var prepared: [serin_row] = []
        for (index, row) in rows.enumerated() {
            let start = values + index * row.count * valueWidth
            row.withUnsafeRow(type) { start.copyMemory(from: $0, byteCount: row.count * valueWidth) }
            var own = serin_row()
            own.values = UnsafeRawPointer(start)
            own.margins = results + 2 * index * outputBytes
            own.scores = results + (2 * index + 1) * outputBytes
            own.value_width = UInt32(type == .float32 ? SERIN_FLOAT32 : SERIN_FLOAT64)
            prepared.append(own)
        }
        if together {
            serin_score(&view, &prepared, prepared.count, scratch)
        } else {
            for index in prepared.indices { serin_score(&view, &prepared[index], 1, scratch) }
        }
        return rows.indices.map { row in
            (0..<2 * forest.outputCount).map { number in
                let place = results + 2 * row * outputBytes + number * width
                return width == 4 ? Double(place.load(as: Float.self)) : place.load(as: Double.self)
            }
        }
    }

    /// Compares a forest's rows in both widths by all levels.
    private func compare(_ forest: Forest, _ rows: [[Double]], _ place: String, _ reached: inout Set<String>) throws {
        let compiled = try CompiledForest.compile(forest)
        note(compiled, &reached)
        for type in [NumberWidth.float32, .float64] {
            let reference = rows.map { row in
                let (margins, scores) = ReferenceScorer.score(forest, row: row, rowType: type)
                return margins + scores
            }
            for level in 0...serin_level() {
                for together in [false, true] {
                    let got = score(compiled, rows, type, level: level, together: together)
                    // Plain comparisons: a million #expects would take minutes.
                    if bits(got) != bits(reference) {
                        Issue.record("\(place), level \(level), \(type) rows, together \(together)")
                        return
                    }
                }
            }
        }
    }

    /// Names the schemes and slots that a forest's image uses.
    private func note(_ forest: CompiledForest, _ reached: inout Set<String>) {
        let header = forest.view.pointee.header.pointee
        reached.insert("bytes \(header.byte_slot_count)")
        reached.insert("words \(header.word_slot_count)")
        for index in 0..<Int(header.vector_segments.count) {
            let segment = forest.view.pointee.vector_segments[index]
            let kind = header.word_slot_count > 0 ? "words" : "bytes"
            let decided = segment.first_decision == SERIN_NO_DECISIONS ? "" : " with categories"
            let depth = segment.scheme == UInt32(SERIN_SCHEME_LINKED) ? kind : "\(segment.depth)"
            reached.insert("scheme \(segment.scheme) \(depth)\(decided)")
        }
    }

    private static var schemes: Set<String> {
        var names: Set<String> = ["scheme 0 0", "scheme 2 7", "scheme 2 8", "scheme 5 bytes", "scheme 5 words"]
        for count in [64, 128, 256] { names.insert("bytes \(count)") }
        for count in [32, 64, 128] { names.insert("words \(count)") }
        for categories in ["", " with categories"] {
            for depth in 3...6 { names.insert("scheme 1 \(depth)\(categories)") }
            for lanes in [32, 64] { names.insert("scheme 3 \(lanes)\(categories)") }
            for depth in 1...8 { names.insert("scheme 4 \(depth)\(categories)") }
        }
        return names
    }

    @Test func allKernelsAgree() throws {
        let count = ProcessInfo.processInfo.environment["SERIN_KERNEL_FORESTS"].flatMap { Int($0) } ?? 240
        var reached: Set<String> = []
        for seed in 0..<count {
            var random = RandomForests(seed: UInt64(seed) + 1)
            let shape = ForestShape.all[seed % ForestShape.all.count]
            let forest = random.forest(shape)
            let rows = random.rows(forest, count: 6) + random.extremeRows(forest)
            try compare(forest, rows, "seed \(seed), \(shape)", &reached)
        }
        // A few dozen forests meet every scheme; a run with fewer is someone's experiment.
        if count >= 240 { #expect(Self.schemes.subtracting(reached).isEmpty) }
        print("kernels == reference: \(count) forests, levels 0 to \(serin_level()), \(reached.count) schemes")
    }

    @Test func aLimitKeepsWiderKernelsAway() throws {
        var random = RandomForests(seed: 1)
        let forest = random.forest(.complete(depth: 6))
        for limit in KernelSet.allCases {
            let compiled = try CompiledForest.compile(forest, kernels: limit)
            #expect(KernelSet(rawValue: compiled.kernels)!.level <= min(limit.level, serin_level()))
            #expect(compiled.nanosPerRow > 0 && compiled.nanosPerBatchedRow > 0)
            let image = compiled.image
            let loaded = try image.withUnsafeBytes { try CompiledForest(image: $0, kernels: limit) }
            #expect(KernelSet(rawValue: loaded.kernels)!.level <= min(limit.level, serin_level()))
        }
        #expect(try CompiledForest.compile(forest, kernels: .scalar).kernels == "scalar")
    }

    /// Forests without a tree, without a split, and with one split.
    @Test func almostNothingAgrees() throws {
        var reached: Set<String> = []
        for treeCount in [0, 1, 17, 65] {
            for splits in [0, 1] {
                var random = RandomForests(seed: UInt64(treeCount + splits))
                var forest = random.forest(features: 3, maxTrees: 0)
                forest.trees = (0..<treeCount).map { index in
                    let split = Forest.Node.split(
                        feature: Int32(index % 3), threshold: 0.5, left: 1, right: 2, missing: .right)
                    let nodes = splits == 0 ? [.leaf(0.25)] : [split, .leaf(-1), .leaf(Double(index))]
                    return Forest.Tree(output: index % forest.outputCount, nodes: nodes)
                }
                let rows = random.rows(forest, count: 4) + random.extremeRows(forest)
                try compare(forest, rows, "\(treeCount) trees of \(splits) splits", &reached)
            }
        }
    }
}
