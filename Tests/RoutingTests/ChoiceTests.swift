import Primitives
import Testing

@testable import Routing

/// Which rule wins, and what features decide.
@Suite struct ChoiceTests {
    private static func model() -> RoutedModel {
        var model = SplitTests.model(canary: 1_000_000)
        model.labels = [("production", 2)]
        model.segments = [RoutedSegment(key: .field(1), texts: ["DE", "AT"], index: 3)]
        model.overrideField = 2
        return model
    }

    private static func choose(_ model: RoutedModel, _ values: [Int: String], path: (String, String) = ("", ""))
        -> RouteChoice
    {
        var fields = FieldValues()
        for (number, text) in values { Array(text.utf8).withUnsafeBytes { fields.set(number, $0) } }
        var random = SplitMix64(seed: 1)
        var (name, version, label) = ("m", path.0, path.1)
        let table = RouteTable([model])
        return name.withUTF8 { name in
            version.withUTF8 { version in
                label.withUTF8 { label in
                    table.choose(
                        model: UnsafeRawBufferPointer(name), version: UnsafeRawBufferPointer(version),
                        label: UnsafeRawBufferPointer(label), fields: fields, random: &random)
                }
            }
        }
    }

    private static func routed(_ index: Int, _ arm: Arm) -> RouteChoice {
        .version(Routed(index: index, arm: arm, model: 0))
    }

    @Test func theFirstThatMatchesWins() {
        let all = [1: "DE", 2: "1"]
        #expect(Self.choose(Self.model(), all, path: ("3", "")) == Self.routed(2, .pinned))
        #expect(Self.choose(Self.model(), all, path: ("", "production")) == Self.routed(2, .pinned))
        #expect(Self.choose(Self.model(), all) == Self.routed(0, .override))
        #expect(Self.choose(Self.model(), [1: "AT"]) == Self.routed(3, .segment))
        #expect(Self.choose(Self.model(), [1: "FR"]) == Self.routed(1, .canary))
        #expect(Self.choose(Self.model(), [:]) == Self.routed(1, .canary))
    }

    @Test func whatIsNotThereIsSaidSo() {
        #expect(Self.choose(Self.model(), [:], path: ("9", "")) == .unknownVersion)
        #expect(Self.choose(Self.model(), [:], path: ("", "staging")) == .unknownLabel)
        #expect(Self.choose(Self.model(), [2: "9"]) == .unknownVersion)
        #expect(Self.choose(Self.model(), [2: "x"]) == .unknownVersion)
        var none = RoutedModel(name: "m", versions: [], stable: nil)
        #expect(Self.choose(none, [:]) == .notReady)
        none.canary = RoutedShare(index: 1, parts: 1)
        #expect(Self.choose(none, [:]) == .notReady)
    }

    @Test func anOverrideCountsOnlyWhereTheRouteAllowsIt() {
        var model = Self.model()
        model.overrideField = nil
        #expect(Self.choose(model, [2: "1"]) == Self.routed(1, .canary))
    }

    private static func afterParsing(_ model: RoutedModel, _ row: [Double]) -> [RouteChoice] {
        let table = RouteTable([model])
        let floats = row.map { Float($0) }
        let fields = FieldValues()
        var random = SplitMix64(seed: 1)
        return [
            row.withUnsafeBytes {
                table.choose(model: 0, row: $0.baseAddress!, isDouble: true, fields: fields, random: &random)
            },
            floats.withUnsafeBytes {
                table.choose(model: 0, row: $0.baseAddress!, isDouble: false, fields: fields, random: &random)
            },
        ]
    }

    @Test func aFeatureDecidesAfterParsing() {
        var model = SplitTests.model(canary: 0)
        model.segments = [RoutedSegment(key: .column(1), numbers: [3, 5], index: 2)]
        #expect(Self.choose(model, [:]) == .afterParsing(model: 0, index: 0))
        for choice in Self.afterParsing(model, [0, 5]) { #expect(choice == Self.routed(2, .segment)) }
        for choice in Self.afterParsing(model, [5, 4]) { #expect(choice == Self.routed(0, .stable)) }
        for choice in Self.afterParsing(model, [5, .nan]) { #expect(choice == Self.routed(0, .stable)) }
    }

    @Test func aStickyFeatureIsTheSameKeyInEveryWidth() {
        var model = SplitTests.model(canary: 500_000)
        model.sticky = RoutedStickiness(key: .column(0), hash: SplitTests.hash)
        for value in [0.1, 129.5, -0.0, 1e30, 77_000_001] {
            let choices = Self.afterParsing(model, [value])
            #expect(choices[0] == choices[1])
            if case .version(let routed) = choices[0] { #expect(routed.isSticky && routed.key != 0) }
        }
        #expect(Self.afterParsing(model, [0.0]) == Self.afterParsing(model, [-0.0]))
        if case .version(let routed) = Self.afterParsing(model, [.nan])[0] { #expect(!routed.isSticky) }
        // Nobody is drawn, so nobody has to be parsed first.
        model.canary?.parts = 0
        #expect(Self.choose(model, [:]) == Self.routed(0, .stable))
    }

    @Test func shadowsAreDrawnOnTheirOwn() {
        var model = SplitTests.model(canary: 0)
        model.shadows = [RoutedShare(index: 2, parts: 1_000_000), RoutedShare(index: 3, parts: 100_000)]
        let table = RouteTable([model])
        #expect(table.hasShadows(0))
        var random = SplitMix64(seed: 1)
        var counts = [0, 0, 0, 0]
        for _ in 0..<100_000 { table.shadows(0, random: &random) { counts[$0] += 1 } }
        #expect(counts[0] == 0 && counts[1] == 0 && counts[2] == 100_000 && abs(counts[3] - 10_000) < 400)
    }
}
