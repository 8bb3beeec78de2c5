import Primitives
import Testing

@testable import Routing

/// The traffic split, to the figures that it promises.
@Suite struct SplitTests {
    static let hash = SipHash(1, 2)

    static func model(canary parts: Int, arms: [Int] = [], sticky: SipHash? = nil) -> RoutedModel {
        var model = RoutedModel(name: "m", versions: [(1, 0), (2, 1), (3, 2), (4, 3)], stable: 0)
        model.canary = RoutedShare(index: 1, parts: parts)
        model.arms = arms.enumerated().map { RoutedShare(index: 2 + $0, parts: $1, name: "arm-\($0)") }
        model.sticky = sticky.map { RoutedStickiness(key: .field(0), hash: $0) }
        return model
    }

    static func choose(
        _ table: RouteTable, _ key: String?, _ random: inout SplitMix64, version: String = "", label: String = ""
    ) -> RouteChoice {
        var fields = FieldValues()
        if let key { Array(key.utf8).withUnsafeBytes { fields.set(0, $0) } }
        var (name, version, label) = ("m", version, label)
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

    static func arm(_ choice: RouteChoice) -> Arm? {
        if case .version(let routed) = choice { routed.arm } else { nil }
    }

    /// Within four standard deviations of the binomial, for a seed that stays.
    @Test(arguments: [25_000, 100, 1, 500_000, 999_999])
    func theIndependentSplitIsThePercentage(parts: Int) {
        let table = RouteTable([Self.model(canary: parts)])
        var random = SplitMix64(seed: 20_261_121)
        let count = 1_000_000
        var canary = 0
        for _ in 0..<count where Self.arm(Self.choose(table, nil, &random)) == .canary { canary += 1 }
        let share = Double(parts) / 1e6
        let deviation = (Double(count) * share * (1 - share)).squareRoot()
        #expect(abs(Double(canary) - Double(count) * share) <= 4 * deviation, "\(canary) of \(count)")
    }

    @Test func nothingIsDrawnIntoAShareOfNothingAndEverythingIntoAll() {
        var random = SplitMix64(seed: 7)
        let (none, all) = (RouteTable([Self.model(canary: 0)]), RouteTable([Self.model(canary: 1_000_000)]))
        for _ in 0..<100_000 {
            #expect(Self.arm(Self.choose(none, nil, &random)) == .stable)
            #expect(Self.arm(Self.choose(all, nil, &random)) == .canary)
        }
    }

    @Test func aRisingCanaryOnlyMovesKeysFromStable() {
        let keys = (0..<100_000).map { "customer-\($0)" }
        var random = SplitMix64(seed: 7)
        var before: [Arm] = []
        for (parts, expected) in [(10_000, 0.01), (50_000, 0.05), (250_000, 0.25), (1_000_000, 1), (0, 0)] {
            let table = RouteTable([Self.model(canary: parts, sticky: Self.hash)])
            let now = keys.map { Self.arm(Self.choose(table, $0, &random)) ?? .pinned }
            if !before.isEmpty, parts > 0 {
                #expect(zip(before, now).allSatisfy { $0 != .canary || $1 == .canary }, "a key has left the canary")
            }
            let share = Double(now.count { $0 == .canary }) / Double(keys.count)
            #expect(abs(share - expected) < 4 * (expected * (1 - expected) / 1e5).squareRoot() + 1e-9, "\(share)")
            before = now
        }
        #expect(before.allSatisfy { $0 == .stable }, "somebody is on the canary at 0")
    }

    @Test func armsDoNotMoveWhenTheCanaryDoes() {
        var random = SplitMix64(seed: 7)
        let keys = (0..<20_000).map { "k\($0)" }
        let tables = [0, 100_000, 600_000].map {
            RouteTable([Self.model(canary: $0, arms: [100_000, 200_000], sticky: Self.hash)])
        }
        for key in keys {
            let arms = tables.map { Self.arm(Self.choose($0, key, &random)) ?? .pinned }
            let named = Set(arms.map(\.namedIndex))
            #expect(named.count == 1, "\(key): \(arms)")
        }
        let shares = keys.map { Self.arm(Self.choose(tables[0], $0, &random))?.namedIndex }
        #expect(abs(Double(shares.count { $0 == 0 }) / 2e4 - 0.1) < 0.01)
        #expect(abs(Double(shares.count { $0 == 1 }) / 2e4 - 0.2) < 0.012)
    }

    @Test func twoGatewaysWithTheSameSaltAgreeAndWithAnotherDoNot() {
        let (first, second) = (
            RouteTable([Self.model(canary: 500_000, sticky: Self.hash)]),
            RouteTable([Self.model(canary: 500_000, sticky: SipHash(1, 2))])
        )
        let other = RouteTable([Self.model(canary: 500_000, sticky: SipHash(3, 4))])
        var (one, two) = (SplitMix64(seed: 1), SplitMix64(seed: 2))
        var same = 0
        for index in 0..<20_000 {
            let choice = Self.choose(first, "key-\(index)", &one)
            #expect(choice == Self.choose(second, "key-\(index)", &two))
            if Self.arm(choice) == Self.arm(Self.choose(other, "key-\(index)", &two)) { same += 1 }
        }
        #expect(abs(same - 10_000) < 400, "another salt is another split: \(same)")
    }

    @Test func aRequestWithoutAKeyIsDrawn() {
        let table = RouteTable([Self.model(canary: 500_000, sticky: Self.hash)])
        var random = SplitMix64(seed: 3)
        var arms: Set<Arm> = []
        for key in [nil, ""] {
            for _ in 0..<64 {
                guard case .version(let routed) = Self.choose(table, key, &random) else { continue }
                #expect(!routed.isSticky && routed.key == 0)
                arms.insert(routed.arm)
            }
        }
        #expect(arms == [.stable, .canary])
    }
}
