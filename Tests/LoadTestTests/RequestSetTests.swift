// Requests as they are written before a run.

import Testing

@testable import LoadTest

@Suite struct RequestSetTests {
    static func head(_ change: (inout TrafficClass) -> Void) throws -> String {
        var entry = ScenarioReaderTests.entry
        change(&entry)
        let target = try #require(Target("http://127.0.0.1:8080"))
        let body = RequestBodies.Body(bytes: Array("{}".utf8), rows: [0])
        let requests = RequestSet(entry, target, bodies: [body], recordings: [])
        let prepared = try #require(requests.prepared.first)
        return withExtendedLifetime(requests) { String(decoding: prepared.head, as: UTF8.self) }
    }

    static let deadlines: [(nanos: UInt64, api: TrafficClass.API, text: String?)] = [
        (5_000_000, .v1, "5"), (1_900_000, .v2, nil), (1_900_000, .grpc, "1900u"),
        (600_000_000_000, .grpc, "600000m"), (100_000_500_000, .grpc, nil), (1_000_500, .grpc, nil),
    ]

    /// 1900 us were sent as 1 ms.
    @Test func deadlinesAreSaidExactly() {
        for (nanos, api, text) in Self.deadlines { #expect(TrafficClass.deadlineText(nanos, api) == text) }
    }

    @Test func aDeadlineIsSentInItsHeader() throws {
        let head = try Self.head { $0.deadlineNanos = 5_000_000 }
        #expect(head.contains("\r\nserin-timeout-ms: 5\r\n"))
        let grpc = try Self.head { ($0.api, $0.deadlineNanos) = (.grpc, 1_900_000) }
        #expect(grpc.contains("\r\ngrpc-timeout: 1900u\r\n"))
    }

    /// Both were sent.
    @Test func aPlainRequestsOwnContentTypeReplacesTheUsualOne() throws {
        let head = try Self.head {
            ($0.api, $0.rows) = (.plain, .body("<a/>"))
            $0.headers = [.init(name: "content-type", value: "text/xml")]
        }
        #expect(head.contains("\r\ncontent-type: text/xml\r\n"))
        #expect(!head.contains("application/json"))
        #expect(head.contains("\r\ncontent-length: 4\r\n"))
    }

    @Test(arguments: [
        ("", true), ("a b\tc", true), (" a", false), ("a ", false), ("a\r\nb: c", false), ("a\0", false), ("ü", false),
        ("\u{7f}", false), (String(repeating: "a", count: 1024), true), (String(repeating: "a", count: 1025), false),
    ])
    func headerValuesAreVisibleASCII(text: String, isFine: Bool) {
        #expect(TrafficClass.Header.isValue(text) == isFine)
    }
}
