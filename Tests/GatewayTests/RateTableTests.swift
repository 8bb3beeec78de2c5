import Testing

@testable import Gateway

@Suite struct RateTableTests {
    private static let second: UInt64 = 1_000_000_000

    /// How many of `count` requests pass at this moment.
    private func passed(_ table: RateTable, _ client: UInt64, _ count: Int, _ now: UInt64, rate: UInt64 = 10) -> Int {
        (0..<count).filter { _ in table.take(client, interval: Self.second / rate, now: now) }.count
    }

    @Test func aSecondsRequestsMayComeAtOnceAndThenOneATime() {
        let table = RateTable()
        let now = 50 * Self.second
        #expect(passed(table, 1, 100, now) == 10)
        #expect(passed(table, 1, 100, now + Self.second / 10) == 1)
        #expect(passed(table, 1, 100, now + 5 * Self.second) == 10)
    }

    @Test func oneARateOfOneIsOneASecond() {
        let table = RateTable()
        let counts = (0..<5).map { passed(table, 9, 3, (100 + UInt64($0)) * Self.second, rate: 1) }
        #expect(counts == [1, 1, 1, 1, 1])
    }

    /// A hundred clients over their rate, and ten thousand others at theirs.
    @Test func aCrowdOverItsRateHardlyTouchesOthers() {
        let table = RateTable()
        let now = 50 * Self.second
        for client in 0..<100 { #expect(passed(table, UInt64(client), 1000, now) <= 20) }
        let refused = (1000..<11_000).filter { passed(table, UInt64($0), 1, now) == 0 }
        #expect(refused.count <= 3, "a chance of two in a million each")
    }
}
