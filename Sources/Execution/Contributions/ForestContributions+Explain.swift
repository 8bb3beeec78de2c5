// Explaining a row: output by output, without allocating.
//
//     row ──► values ──► ranks ──► groups of one output's trees ──► phi[feature][lanes] ──► its sums

internal import CKernels
internal import Glibc
internal import Inference
internal import ModelFormat

/// How a row's numbers become the numbers that splits compare.
struct ShapRowRules {
    let roundsToFloat32: Bool
    /// Values no further from 0 than this are 0.
    let zeroBand: Double
    /// Whether numbers between -1 and 0 are the category 0.
    let cutsCategories: Bool

    init(_ forest: Forest) {
        roundsToFloat32 = forest.valueWidth == .float32
        zeroBand = forest.zeroBand
        cutsCategories = forest.categoryRule == .aboveMinusOne
    }

    @inline(__always)
    func value(_ arrived: Double, _ kind: ShapValue.Kind) -> Double {
        var value = roundsToFloat32 ? Double(Float(arrived)) : arrived
        if value.magnitude <= zeroBand { value = 0 }
        switch kind {
        case .plain: return value
        case .zeroMissing: return value == 0 ? .nan : value
        case .category: return cutsCategories && value < 0 && value > -1 ? 0 : value
        }
    }
}

extension ForestContributions {
    /// Bytes of scratch that `explain` needs, whatever the number of rows.
    var scratchByteCount: Int {
        let parts = scratchParts
        return 64 + parts.values + parts.ranks + 2 * parts.sides + parts.cells + parts.phi
    }

    /// Bytes of each part, multiples of 64.
    private var scratchParts: (values: Int, ranks: Int, sides: Int, cells: Int, phi: Int) {
        let (lanes, group) = (Int(SERIN_SHAP_LANES), Int(SERIN_SHAP_GROUP))
        return (
            (max(1, layout.values.count) * 8 + 63) & ~63, (max(64, layout.slotCount + group) * 2 + 63) & ~63,
            (layout.splitCount + group + 63) & ~63, layout.cellCount * lanes * 8,
            max(1, layout.features.count) * lanes * 8
        )
    }

    private func lay(out scratch: UnsafeMutableRawBufferPointer) -> serin_shap_scratch {
        // SAFETY: the parts follow one another from a 64-byte boundary on; scratchByteCount adds them up.
        let parts = scratchParts
        let start = scratch.baseAddress.unsafelyUnwrapped.alignedUp(toMultipleOf: 64)
        let ranks = start + parts.values
        let sides = ranks + parts.ranks
        let cells = sides + 2 * parts.sides
        return serin_shap_scratch(
            values: start.assumingMemoryBound(to: Double.self), ranks: ranks.assumingMemoryBound(to: UInt16.self),
            sides: sides.assumingMemoryBound(to: UInt8.self),
            passed: (sides + parts.sides).assumingMemoryBound(to: UInt8.self),
            cells: cells.assumingMemoryBound(to: Double.self),
            phi: (cells + parts.cells).assumingMemoryBound(to: Double.self))
    }

    /// The row's values, as the splits look at them, and their ranks.
    @inline(__always)
    private func prepare(_ row: UnsafeRawPointer, _ type: ValueType, _ working: serin_shap_scratch) {
        let values = layout.values
        if type == .float32 {
            let row = row.assumingMemoryBound(to: Float.self)
            for index in values.indices {
                working.values[index] = rules.value(Double(row[Int(values[index].feature)]), values[index].kind)
            }
        } else {
            let row = row.assumingMemoryBound(to: Double.self)
            for index in values.indices {
                working.values[index] = rules.value(row[Int(values[index].feature)], values[index].kind)
            }
        }
        withUnsafePointer(to: working) { serin_shap_rank(layout.view, $0) }
    }

    /// [outputs][features + 1] of one row; false: not all of them are finite.
    @inline(__always)
    func explain<Number: BinaryFloatingPoint>(
        _ row: UnsafeRawPointer, _ type: ValueType, _ output: UnsafeMutablePointer<Number>,
        _ scratch: UnsafeMutableRawBufferPointer
    ) -> Bool {
        let lanes = Int(SERIN_SHAP_LANES)
        var working = lay(out: scratch)
        prepare(row, type, working)
        var isFinite = true
        for index in 0..<outputCount {
            let contributions = output + index * (featureCount + 1)
            memset(contributions, 0, featureCount * MemoryLayout<Number>.stride)
            memset(working.phi, 0, layout.features.count * lanes * 8)
            kernel(layout.view, layout.firstGroups[index], layout.firstGroups[index + 1], &working)
            for (number, feature) in layout.features.enumerated() {
                let phi = working.phi + number * lanes
                let sum = ((phi[0] + phi[4]) + (phi[1] + phi[5])) + ((phi[2] + phi[6]) + (phi[3] + phi[7]))
                let contribution = Number(sum * scale)
                contributions[Int(feature)] = contribution
                isFinite = isFinite && contribution.isFinite
            }
            contributions[featureCount] = Number(expected[index])
        }
        return isFinite
    }
}
