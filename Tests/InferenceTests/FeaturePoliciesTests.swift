import Testing

@testable import Inference

@Suite struct FeaturePoliciesTests {
    /// Applies the policies to one feature's values, in both widths, and expects the same of both.
    private func apply(
        _ feature: FeatureSpec, _ values: [Double]
    ) -> (values: [Double], outOfRange: Int, violation: FeatureViolation?) {
        let policies = FeaturePolicies([feature])
        var doubles = values + [Double](repeating: .nan, count: 8)
        var (count, counted) = (0, 0)
        let violation = doubles.withUnsafeMutableBytes {
            policies.apply(to: $0.baseAddress!, rows: values.count, type: .float64, outOfRange: &count)
        }
        var floats = values.map { Float($0) } + [Float](repeating: .nan, count: 16)
        let other = floats.withUnsafeMutableBytes {
            policies.apply(to: $0.baseAddress!, rows: values.count, type: .float32, outOfRange: &counted)
        }
        #expect(violation == other)
        #expect(count == counted)
        let same = zip(doubles, floats).prefix(values.count).allSatisfy { $0.isNaN ? $1.isNaN : Float($0) == $1 }
        #expect(same)
        return (Array(doubles.prefix(values.count)), count, violation)
    }

    @Test func rangeIsInclusiveAndByPolicy() {
        var feature = FeatureSpec(name: "a", kind: .number, range: -1...10)
        let values = [-1, 10, -1.5, 11, 5, .infinity]
        var result = apply(feature, values)
        #expect(result.values == values && result.outOfRange == 3 && result.violation == nil)
        feature.onRange = .clip
        result = apply(feature, values)
        #expect(result.values == [-1, 10, -1, 10, 5, 10] && result.outOfRange == 3)
        feature.onRange = .reject
        result = apply(feature, values)
        #expect(result.violation == FeatureViolation(row: 2, column: 0, rule: .range))
        #expect(result.outOfRange == 0)
    }

    @Test func aBoundAsTheManifestWritesItIsInRange() {
        // float32(0.1) is above 0.1, float32(0.7) below.
        let feature = FeatureSpec(name: "a", kind: .number, range: 0.1...0.7, onRange: .reject)
        #expect(apply(feature, [0.1, 0.7, 0.5]).violation == nil)
        #expect(apply(feature, [0.0999]).violation?.rule == .range)
    }

    @Test func missingByPolicy() {
        var feature = FeatureSpec(name: "a", kind: .number, range: 0...1, onRange: .reject)
        #expect(apply(feature, [.nan]).values[0].isNaN)
        feature.missing = .value(-7)
        #expect(apply(feature, [.nan, 0.5]).values == [-7, 0.5])
        feature.missing = .reject
        #expect(apply(feature, [0.5, .nan]).violation == FeatureViolation(row: 1, column: 0, rule: .missing))
    }

    @Test func missingWithoutAnyRange() {
        #expect(apply(FeatureSpec(name: "a", kind: .number, missing: .value(3)), [.nan]).values == [3])
        #expect(apply(FeatureSpec(name: "a", kind: .number, missing: .reject), [.nan]).violation?.rule == .missing)
    }

    @Test func wholeNumbers() {
        let feature = FeatureSpec(name: "a", kind: .integer)
        #expect(apply(feature, [0, -0.0, 1, -3, 16_777_216, 0x1p40, 0x1p52, 0x1p60, -0x1p60, .nan]).violation == nil)
        // Regression: of negative floats from 2^22 to 2^23, and doubles from 2^51 to 2^52, halves were let through.
        for fraction in [0.5, -0.5, 1.25, 4_194_303.5, 1e-30, -5_050_911.5, -4_194_304.5, -8_388_607.5] {
            let violation = apply(feature, [1, fraction]).violation
            #expect(violation == FeatureViolation(row: 1, column: 0, rule: .integer))
        }
    }

    @Test func largeFractionsAsDoubles() {
        let policies = FeaturePolicies([FeatureSpec(name: "a", kind: .integer)])
        for (value, isWhole) in [
            (0x1p51 + 0.5, false), (0x1p51 + 1, true), (0x1p53 + 2, true), (-0x1p50 - 0.25, false),
            (-0x1p51 - 0.5, false), (-0x1p52 + 0.5, false), (-0x1p51 - 1, true),
        ] {
            var row = [value] + [Double](repeating: 0, count: 7)
            var count = 0
            let violation = row.withUnsafeMutableBytes {
                policies.apply(to: $0.baseAddress!, rows: 1, type: .float64, outOfRange: &count)
            }
            #expect((violation == nil) == isWhole)
        }
    }

    @Test func booleans() {
        let feature = FeatureSpec(name: "a", kind: .boolean)
        #expect(apply(feature, [0, 1, .nan]).violation == nil)
        for value in [2, -1, 0.5] { #expect(apply(feature, [value]).violation?.rule == .boolean) }
    }

    @Test func categoriesByPolicy() {
        var feature = FeatureSpec(name: "a", kind: .category, categories: ["DE", "FR"])
        let values: [Double] = [0, 1, 2, -1, 0.5]
        #expect(apply(feature, values).values == values)
        feature.unknown = .missing
        let missing = apply(feature, values).values
        #expect(missing[0...1] == [0, 1] && missing[2...].allSatisfy(\.isNaN))
        feature.missing = .value(9)
        #expect(apply(feature, values).values == [0, 1, 9, 9, 9])
        feature.missing = .reject
        #expect(apply(feature, values).violation == FeatureViolation(row: 2, column: 0, rule: .missing))
        feature.unknown = .reject
        for code in values[2...] { #expect(apply(feature, [0, code]).violation?.rule == .category) }
    }

    /// The screen against the slow side: random schemas of every width, random rows.
    @Test func theScreenHidesNothing() {
        var random = SystemRandomNumberGenerator()
        for columns in [1, 3, 7, 8, 9, 16, 31, 33] {
            let features = (0..<columns).map { _ in randomFeature(&random) }
            let policies = FeaturePolicies(features)
            for _ in 0..<200 {
                let rows = Int.random(in: 1...4, using: &random)
                let values = (0..<rows * columns).map { _ in randomValue(&random) }
                var fast = values + [Double](repeating: 0, count: 8)
                var count = 0
                let violation = fast.withUnsafeMutableBytes {
                    policies.apply(to: $0.baseAddress!, rows: rows, type: .float64, outOfRange: &count)
                }
                let slow = reference(features, values)
                #expect(violation == slow.violation)
                #expect(count == slow.outOfRange)
                if violation == nil {
                    #expect(fast.prefix(values.count).map(\.bitPattern) == slow.values.map(\.bitPattern))
                }
            }
        }
    }

    private func randomFeature(_ random: inout some RandomNumberGenerator) -> FeatureSpec {
        FeatureSpec(
            name: "f", kind: [.number, .integer, .boolean, .category].randomElement(using: &random)!,
            range: Bool.random(using: &random) ? -2...40 : nil,
            onRange: [.accept, .clip, .accept, .reject].randomElement(using: &random)!,
            missing: [.model, .value(1), .model, .reject].randomElement(using: &random)!, categories: ["a", "b", "c"],
            unknown: [.model, .missing, .model, .reject].randomElement(using: &random)!)
    }

    private func randomValue(_ random: inout some RandomNumberGenerator) -> Double {
        switch Int.random(in: 0..<40, using: &random) {
        case 0: .nan
        case 1: .random(in: -100...100, using: &random)
        case 2: Double(Int.random(in: -50...50, using: &random))
        default: Double(Int.random(in: 0...1, using: &random))
        }
    }

    /// The rules once more, one value at a time and without a screen.
    private func reference(
        _ features: [FeatureSpec], _ values: [Double]
    ) -> (values: [Double], outOfRange: Int, violation: FeatureViolation?) {
        var (values, outOfRange) = (values, 0)
        for index in values.indices {
            let (row, column) = index.quotientAndRemainder(dividingBy: features.count)
            let feature = features[column]
            let violation = { FeatureViolation(row: row, column: column, rule: $0) }
            var value = values[index]
            if feature.kind == .category, !value.isNaN, ![0, 1, 2].contains(value) {
                if feature.unknown == .reject { return (values, outOfRange, violation(.category)) }
                if feature.unknown == .missing { value = .nan }
            }
            if value.isNaN {
                if feature.missing == .reject { return (values, outOfRange, violation(.missing)) }
                values[index] = feature.missing == .value(1) ? 1 : .nan
                continue
            }
            let isWhole = value.truncatingRemainder(dividingBy: 1) == 0
            if feature.kind == .integer, !isWhole { return (values, outOfRange, violation(.integer)) }
            if feature.kind == .boolean, value != 0, value != 1 { return (values, outOfRange, violation(.boolean)) }
            guard let range = feature.range, !range.contains(value) else { continue }
            if feature.onRange == .reject { return (values, outOfRange, violation(.range)) }
            outOfRange += 1
            if feature.onRange == .clip { values[index] = min(max(value, range.lowerBound), range.upperBound) }
        }
        return (values, outOfRange, nil)
    }
}
