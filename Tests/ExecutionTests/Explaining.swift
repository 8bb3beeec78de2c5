// Explains rows with a `ContributionExplainer`, for comparison with the oracles.

import Inference
import ModelFormat

@testable import Execution

/// [row][output × (features + 1)], widened, and the job's status.
func explain(
    _ explainer: ContributionExplainer, _ rows: [[Double]], _ type: NumberWidth
) -> (contributions: [[Double]], status: ScoringStatus) {
    let valueType: ValueType = type == .float32 ? .float32 : .float64
    let (width, count) = (explainer.scoreType.byteCount, explainer.outputCount * explainer.columnCount)
    let flat = rows.flatMap { $0 }
    let values = UnsafeMutableRawPointer.allocate(byteCount: max(1, flat.count) * 8, alignment: 64)
    for (index, value) in flat.enumerated() {
        if type == .float32 {
            values.storeBytes(of: Float(value), toByteOffset: 4 * index, as: Float.self)
        } else {
            values.storeBytes(of: value, toByteOffset: 8 * index, as: Double.self)
        }
    }
    let output = UnsafeMutableRawPointer.allocate(byteCount: max(1, rows.count * count) * width, alignment: 8)
    // Scratch may start anywhere: 8 bytes behind a boundary on purpose.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: explainer.scratchByteCount + 8, alignment: 64)
    defer {
        values.deallocate()
        output.deallocate()
        scratch.deallocate()
    }
    var jobs = [ContributionJob(values: values, rowCount: rows.count, valueType: valueType, contributions: output)]
    jobs.withUnsafeMutableBufferPointer {
        explainer.explain($0, scratch: UnsafeMutableRawBufferPointer(rebasing: scratch[8...]))
    }
    let contributions = rows.indices.map { row in
        (0..<count).map { column in
            let offset = (row * count + column) * width
            return width == 4
                ? Double(output.load(fromByteOffset: offset, as: Float.self))
                : output.load(fromByteOffset: offset, as: Double.self)
        }
    }
    return (contributions, jobs[0].status)
}

extension RandomForests {
    /// The forest without linear leaves, and with covers: leaves draw theirs, some of them 0, and splits add up.
    mutating func covered(_ forest: Forest, zeros: Double) -> Forest {
        var forest = forest
        for index in forest.trees.indices {
            forest.trees[index].linearLeaves = []
            let nodes = forest.trees[index].nodes
            var covers = [Double](repeating: 0, count: nodes.count)
            // Children stand behind their parents.
            for place in nodes.indices.reversed() {
                let node = nodes[place]
                covers[place] =
                    node.isLeaf
                    ? generator.chance(zeros) ? 0 : Double.random(in: 0.5...50, using: &generator)
                    : covers[Int(node.left)] + covers[Int(node.right)]
            }
            forest.trees[index].covers = covers
        }
        return forest
    }
}
