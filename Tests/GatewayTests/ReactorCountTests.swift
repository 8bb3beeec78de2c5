import Testing

@testable import Gateway

@Suite struct ReactorCountTests {
    @Test func quotasAreReadAndRoundedUp() {
        #expect(ReactorCount.quotaV2("200000 100000\n") == 2)
        #expect(ReactorCount.quotaV2("150000 100000\n") == 2)
        #expect(ReactorCount.quotaV2("max 100000\n") == nil)
        #expect(ReactorCount.quotaV2(nil) == nil)
        #expect(ReactorCount.quotaV2("junk") == nil)
        #expect(ReactorCount.quotaV1(quota: "-1\n", period: "100000\n") == nil)
        #expect(ReactorCount.quotaV1(quota: "50000\n", period: "100000\n") == 1)
        #expect(ReactorCount.available() >= 1)
    }
}
