// The manifest's rules for feature values, applied to whole requests.
//
//     row ──screen (all columns, no branch)    ──► nothing to say: next row
//                     │ something out of bounds, not whole, or missing where that matters
//                     ▼
//                   settle (column by column, exact)──► clip, fill, count, or a violation
//
// Nearly every row passes the screen, which is two comparisons with bounds and one test for whole
// numbers by adding and subtracting 1.5 × 2^23 (or 2^52), 30 to 50 ns for 32 columns; a schema
// without rules skips even that.  The screen may send a row to `settle` for nothing (huge whole
// numbers), never the other way round.
//
// FP32 values are compared with bounds rounded to float32, so that the bound as the manifest
// writes it is itself in range.

/// A value that a rule rejects.
public struct FeatureViolation: Sendable, Equatable {
    public enum Rule: UInt8, Sendable { case missing, range, integer, boolean, category }

    public var row: Int
    public var column: Int
    public var rule: Rule
}

/// Built once for a model's schema, immutable.
public struct FeaturePolicies: ~Copyable {
    /// One column's rules in the form that `settle` reads.
    struct Column {
        var spec: FeatureSpec.Kind
        var low: Double
        var high: Double
        var onRange: FeatureSpec.OnRange
        var missing: FeatureSpec.Missing
        var unknown: FeatureSpec.Unknown
        var categoryCount: Int
    }

    public let columnCount: Int
    private let columns: UnsafeMutableBufferPointer<Column>
    /// Columns where NaN is not simply passed on.
    private let missingColumns: UnsafeMutableBufferPointer<Int>
    private let floats: Bounds<Float>
    private let doubles: Bounds<Double>
    /// False: every row passes the screen.
    private let screens: Bool

    public init(_ features: [FeatureSpec]) {
        columnCount = features.count
        columns = .allocate(capacity: features.count)
        _ = columns.initialize(from: features.map(Self.column))
        let missing = features.indices.filter { features[$0].missing != .model }
        missingColumns = .allocate(capacity: missing.count)
        _ = missingColumns.initialize(from: missing)
        floats = Bounds(columns, magic: 0x1.8p23)
        doubles = Bounds(columns, magic: 0x1.8p52)
        screens = columns.contains { Self.screenRange($0) != (-.infinity, .infinity) || Self.screensWhole($0) }
    }

    deinit {
        columns.deallocate()
        missingColumns.deallocate()
        floats.deallocate()
        doubles.deallocate()
    }

    private static func column(_ feature: FeatureSpec) -> Column {
        Column(
            spec: feature.kind, low: feature.range?.lowerBound ?? -.infinity,
            high: feature.range?.upperBound ?? .infinity,
            onRange: feature.onRange, missing: feature.missing, unknown: feature.unknown,
            categoryCount: feature.categories.count)
    }

    /// Outside of it `settle` must look.
    static func screenRange(_ column: Column) -> (Double, Double) {
        switch column.spec {
        case .boolean: (max(column.low, 0), min(column.high, 1))
        case .category where column.unknown != .model:
            (max(column.low, 0), min(column.high, Double(column.categoryCount - 1)))
        case .number, .integer, .category: (column.low, column.high)
        }
    }

    static func screensWhole(_ column: Column) -> Bool {
        switch column.spec {
        case .number: false
        case .integer, .boolean: true
        case .category: column.unknown != .model
        }
    }

    /// Applies the rules to `rows` × columns values of `type`, in place, row-major; 64 bytes behind
    /// them must be readable. Values out of range that stay are counted in `outOfRange`.
    /// Returns the first violation.
    public func apply(
        to values: UnsafeMutableRawPointer, rows: Int, type: ValueType, outOfRange: inout Int
    ) -> FeatureViolation? {
        guard screens || !missingColumns.isEmpty else { return nil }
        switch type {
        case .float32: return apply(values.assumingMemoryBound(to: Float.self), rows, floats, &outOfRange)
        case .float64: return apply(values.assumingMemoryBound(to: Double.self), rows, doubles, &outOfRange)
        }
    }

    private func apply<Value: ScreenedValue>(
        _ values: UnsafeMutablePointer<Value>, _ rows: Int, _ bounds: Bounds<Value>, _ outOfRange: inout Int
    ) -> FeatureViolation? {
        for row in 0..<rows {
            let start = values + row * columnCount
            if !(screens && Value.flags(start, bounds.memory, bounds.stride)) && !isMissing(start) { continue }
            for column in 0..<columnCount {
                if let rule = settle(&start[column], columns[column], &outOfRange) {
                    return FeatureViolation(row: row, column: column, rule: rule)
                }
            }
        }
        return nil
    }

    @inline(__always)
    private func isMissing<Value: BinaryFloatingPoint>(_ row: UnsafeMutablePointer<Value>) -> Bool {
        for column in missingColumns where row[column].isNaN { return true }
        return false
    }

    /// One value against its column's rules: kind, category, missing, range.
    private func settle<Value: BinaryFloatingPoint>(
        _ value: inout Value, _ column: Column, _ outOfRange: inout Int
    ) -> FeatureViolation.Rule? {
        if value.isNaN { return fill(&value, column) }
        switch column.spec {
        case .number: break
        case .integer: if value != value.rounded(.towardZero) { return .integer }
        case .boolean: if value != 0, value != 1 { return .boolean }
        case .category:
            let known = value >= 0 && value < Value(column.categoryCount) && value == value.rounded(.towardZero)
            if !known, column.unknown == .reject { return .category }
            if !known, column.unknown == .missing { return fill(&value, column) }
        }
        let (low, high) = (Value(column.low), Value(column.high))
        if value >= low, value <= high { return nil }
        if column.onRange == .reject { return .range }
        outOfRange += 1
        if column.onRange == .clip { value = value < low ? low : high }
        return nil
    }

    /// What stands for a missing value.
    private func fill<Value: BinaryFloatingPoint>(_ value: inout Value, _ column: Column) -> FeatureViolation.Rule? {
        switch column.missing {
        case .model: value = .nan
        case .reject: return .missing
        case .value(let constant): value = Value(constant)
        }
        return nil
    }
}

// SAFETY: written in init, freed in deinit, only read in between.
extension FeaturePolicies: @unchecked Sendable {}

/// The screen's numbers: a column's low and high bound, and what makes its values whole.
///
///     low[0..<stride] | high[0..<stride] | whole[0..<stride]     stride: columns up to a multiple of 8
private struct Bounds<Value: ScreenedValue> {
    let memory: UnsafeMutablePointer<Value>
    let stride: Int

    init(_ columns: UnsafeMutableBufferPointer<FeaturePolicies.Column>, magic: Value) {
        stride = (columns.count + 7) & ~7
        memory = .allocate(capacity: 3 * stride)
        for index in 0..<stride {
            let range = index < columns.count ? FeaturePolicies.screenRange(columns[index]) : (-.infinity, .infinity)
            let whole = index < columns.count && FeaturePolicies.screensWhole(columns[index])
            // The magic number rounds to whole numbers up to a third of it; below its negative, to halves.
            let exact = whole ? magic / 3 : .infinity
            (memory + index).initialize(to: max(Value(range.0), -exact))
            (memory + stride + index).initialize(to: min(Value(range.1), exact))
            (memory + 2 * stride + index).initialize(to: whole ? magic : 0)
        }
    }

    func deallocate() { memory.deallocate() }
}

/// A width of value that the screen has vector code for.
///
/// The code is written once for each width: over a generic vector Swift compares lane by lane (630 ns
/// for 32 columns), and a plain loop is not turned into vectors: 25 instructions a column, where this
/// takes five.
private protocol ScreenedValue: BinaryFloatingPoint {
    /// True if a value of the row is out of bounds or not whole; NaN is neither. `bounds`: low, high and
    /// magic numbers, `stride` of each, a multiple of 8. Values past the row are the next row's or padding,
    /// and their bounds let any of them pass.
    static func flags(_ row: UnsafeRawPointer, _ bounds: UnsafeRawPointer, _ stride: Int) -> Bool
}

extension Float: ScreenedValue {
    @inline(__always)
    static func flags(_ row: UnsafeRawPointer, _ bounds: UnsafeRawPointer, _ stride: Int) -> Bool {
        var flagged = SIMD4<Int32>.zero
        let bytes = stride &* 4
        var offset = 0
        while offset < bytes {
            // SAFETY: rows have 64 readable bytes behind them, bounds are `stride` long.
            let value = row.loadUnaligned(fromByteOffset: offset, as: SIMD4<Float>.self)
            let low = bounds.loadUnaligned(fromByteOffset: offset, as: SIMD4<Float>.self)
            let high = bounds.loadUnaligned(fromByteOffset: offset &+ bytes, as: SIMD4<Float>.self)
            let magic = bounds.loadUnaligned(fromByteOffset: offset &+ 2 &* bytes, as: SIMD4<Float>.self)
            let whole = (value + magic) - magic
            flagged.replace(
                with: -1, where: (value .< low) .| (value .> high) .| (whole .< value) .| (whole .> value))
            offset &+= 16
        }
        return flagged != .zero
    }
}

extension Double: ScreenedValue {
    @inline(__always)
    static func flags(_ row: UnsafeRawPointer, _ bounds: UnsafeRawPointer, _ stride: Int) -> Bool {
        var flagged = SIMD2<Int64>.zero
        let bytes = stride &* 8
        var offset = 0
        while offset < bytes {
            // SAFETY: as for Float.
            let value = row.loadUnaligned(fromByteOffset: offset, as: SIMD2<Double>.self)
            let low = bounds.loadUnaligned(fromByteOffset: offset, as: SIMD2<Double>.self)
            let high = bounds.loadUnaligned(fromByteOffset: offset &+ bytes, as: SIMD2<Double>.self)
            let magic = bounds.loadUnaligned(fromByteOffset: offset &+ 2 &* bytes, as: SIMD2<Double>.self)
            let whole = (value + magic) - magic
            flagged.replace(
                with: -1, where: (value .< low) .| (value .> high) .| (whole .< value) .| (whole .> value))
            offset &+= 16
        }
        return flagged != .zero
    }
}
