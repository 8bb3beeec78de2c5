// The properties, and numpy's own figures of random histograms (Tests/EndToEnd/harness/distances.py writes them; end to end
// it is held against a gateway's windows).

import Foundation
import Testing

@testable import Monitoring

@Suite struct DriftDistanceTests {
    private struct Pair: Decodable {
        var live: [UInt64]
        var reference: [UInt64]
        var psi: Double
        var jensenShannon: Double
    }

    @Test func numpysFigures() throws {
        let file = Payments.packageFolder.appending(path: "Tests/Fixtures/drift/distances.ndjson")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let pairs = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
            .map { try decoder.decode(Pair.self, from: Data($0.utf8)) }
        #expect(pairs.count == 500 && pairs.count { $0.psi > 0.25 } > 100 && pairs.count { $0.psi == 0 } > 10)
        for (number, pair) in pairs.enumerated() {
            let psi = DriftDistance.psi(pair.live, pair.reference)
            #expect(abs(psi - pair.psi) < 1e-9, "line \(number + 1)")
            let divergence = DriftDistance.jensenShannon(pair.live, pair.reference)
            #expect(abs(divergence - pair.jensenShannon) < 1e-9, "line \(number + 1)")
        }
    }

    @Test func ofTheSameIsNothing() {
        #expect(DriftDistance.psi([100, 200, 300], [1000, 2000, 3000]) == 0)
        #expect(DriftDistance.jensenShannon([100, 200, 300], [1000, 2000, 3000]) == 0)
        #expect(DriftDistance.psi([], []) == 0 && DriftDistance.psi([0, 0], [5, 5]) == 0)
    }

    @Test func ofDisjointOnes() {
        #expect(DriftDistance.jensenShannon([10, 0], [0, 10]) == 1)
        #expect(DriftDistance.psi([1000, 0], [0, 1000]) > 10)
    }

    /// One by hand: p = (60.5, 40.5)/101, q = (500.5, 500.5)/1001, less 1/100 + 1/1000.
    @Test func byHand() {
        let index = DriftDistance.psi([60, 40], [500, 500])
        #expect(abs(index - (0.03973677137864377 - 0.011)) < 1e-12, "\(index)")
        let divergence = DriftDistance.jensenShannon([60, 40], [500, 500])
        #expect(abs(divergence - 0.007299156760473963) < 1e-12, "\(divergence)")
    }

    /// Small samples of the same distribution: on average the corrected index is near nothing, the plain one is not.
    @Test func smallSamplesAreNoDrift() {
        var state: UInt64 = 99
        func next() -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % 20
        }
        let reference = [UInt64](repeating: 20_000, count: 20)
        var highest = 0.0
        for _ in 0..<1000 {
            var counts = [UInt64](repeating: 0, count: 20)
            for _ in 0..<1000 { counts[next()] += 1 }
            highest = max(highest, DriftDistance.psi(counts, reference))
        }
        #expect(highest < 0.05, "\(highest)")
    }
}
