// Replays in a scenario: what of a recording is sent.

import Configuration
import Foundation
import Testing

@testable import LoadTest

@Suite struct ReplayTests {
    /// A scenario of ten seconds that replays requests at these seconds.
    static func read(_ seconds: [Double], key: String? = nil, headers: String = "{}") throws -> Scenario {
        let file = FileManager.default.temporaryDirectory.appending(path: "replay-\(UUID().uuidString).ndjson")
        defer { try? FileManager.default.removeItem(at: file) }
        let tail = key.map { ",\"key\":\"\($0)\"" } ?? ""
        let lines = seconds.map { "{\"at\":\($0)\(tail)}\n" }.joined()
        try Data(lines.utf8).write(to: file)
        return try ScenarioReaderTests.read(
            """
            name: again
            target: http://127.0.0.1:8080
            classes: [{name: pay, model: fraud, headers: \(headers)}]
            phases: [{name: steady, duration: 10s, load: {pay: {replay: {file: \(file.path())}}}}]
            budgets: [{throughput: 0.1/s}]
            """)
    }

    @Test func whatIsCutIsSaid() throws {
        #expect(try Self.read([0, 5, 9.5]).notes == [])
        #expect(
            try Self.read([0, 5, 10, 11]).notes
                == ["replay of pay in steady: 2 of 4 requests lie after its end and are not sent"])
    }

    /// It ended well without a request.
    @Test func aReplayThatSendsNothingIsRefused() {
        #expect { try Self.read([12, 13]) } throws: {
            "\($0)".contains(
                "phases[0].load.pay: replay of pay in steady sends nothing: its first request is due after 12 s, "
                    + "and the phase lasts 10 s")
        }
        #expect { try Self.read([4, 5]).scaled(time: 1, rate: 0.1) } throws: {
            "\($0)".hasPrefix("--rate: replay of pay in steady sends nothing")
        }
    }

    @Test func theRateScalesAReplayAndItsThroughput() throws {
        // Of 20 requests in 20 s the phase holds 10, and twice as fast all of them.
        let scenario = try Self.read((0..<20).map(Double.init)).scaled(time: 1, rate: 2)
        guard case .replay(_, let speed) = scenario.phases[0].loads["pay"] else {
            Issue.record("no replay")
            return
        }
        #expect(speed == 2)
        #expect(scenario.notes == [])
        #expect(scenario.budgets[0].bound == .absolute(0.2))
    }

    @Test func timeKeepsWhatIsSent() throws {
        let scenario = try Self.read([0, 5, 9.5]).scaled(time: 0.1, rate: 1)
        #expect(scenario.seconds == 1)
        #expect(scenario.notes == [])
    }

    @Test func aRecordedKeyBesideItsHeaderIsRefused() {
        #expect { try Self.read([0], key: "a", headers: "{serin-key: fixed}") } throws: {
            "\($0)".contains("holds keys, and the class has the header serin-key already")
        }
    }
}
