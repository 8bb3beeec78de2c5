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

    /// (affinity, processors, quota): whether one of them can be kept awake.
    @Test func oneToSpare() {
        func spares(_ affinity: Int, _ online: Int, _ quota: Int? = nil) -> Bool {
            ReactorCount.hasOneToSpare(affinity: affinity, online: online, quota: quota)
        }
        #expect(!spares(1, 1) && !spares(2, 2) && !spares(3, 8), "all it has is needed")
        #expect(spares(1, 2) && spares(4, 4) && spares(8, 8))
        #expect(!spares(1, 2, 1) && spares(1, 8, 2) && !spares(8, 8, 3) && spares(8, 8, 4), "a quota takes away")
    }
}
