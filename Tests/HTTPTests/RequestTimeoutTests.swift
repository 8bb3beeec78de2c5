import Testing

@testable import HTTP

@Suite struct RequestTimeoutTests {
    private func read(_ text: String, _ parse: (UnsafeRawBufferPointer) -> UInt64?) -> UInt64? {
        Array(text.utf8).withUnsafeBytes { parse($0) }
    }

    @Test(arguments: [
        ("0", 0), ("10", 10_000_000), ("2.5", 2_500_000), ("0.000001", 1), ("999999999", 999_999_999_000_000),
        ("007", 7_000_000), ("1.000000", 1_000_000),
    ])
    func millisecondsMayHaveAFraction(text: String, nanos: UInt64) {
        #expect(read(text, RequestTimeout.millis) == nanos)
    }

    @Test(arguments: [
        "", ".", "1.", ".5", "-1", "+1", "1e3", "10ms", " 10", "10 ", "1,5", "1.0000001", "1000000000", "0x10", "1.2.3",
        "NaN", "inf", "\u{0661}",
    ])
    func otherMillisecondsAreRefused(text: String) {
        #expect(read(text, RequestTimeout.millis) == nil)
    }

    @Test(arguments: [
        ("1n", 1), ("250u", 250_000), ("10m", 10_000_000), ("5S", 5_000_000_000), ("2M", 120_000_000_000),
        ("1H", 3_600_000_000_000), ("0n", 0), ("99999999M", 5_999_999_940_000_000_000),
    ])
    func grpcUnitsAreKnown(text: String, nanos: UInt64) {
        #expect(read(text, RequestTimeout.grpc) == nanos)
    }

    /// More than 64 bits of nanoseconds hold: it is cut, not wrapped.
    @Test func theLongestOfAllIsCut() {
        #expect(read("99999999H", RequestTimeout.grpc) == RequestTimeout.longest)
    }

    @Test(arguments: ["", "m", "10", "10 m", "10s", "10h", "123456789m", "-1m", "1.5S", "1mm", "m1"])
    func otherGRPCTimeoutsAreRefused(text: String) {
        #expect(read(text, RequestTimeout.grpc) == nil)
    }
}
