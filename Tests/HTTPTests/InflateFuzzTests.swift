// Packed bodies that nobody packs by mistake: flipped, cut, spliced and repeated streams of zlib.
//
// Checked of each: zlib is never asked for more than the bounds, the body is handed over exactly when zlib's own
// one-shot `uncompress` of the same bytes takes them (deflate), and every round keeps to its budget. How
// long, and from which seed: FuzzRounds; best under the address sanitizer.

import CZlib
import FuzzSupport
import Testing

@testable import HTTP

@Suite(.serialized) struct InflateFuzzTests {
    /// Bytes of which deflate can make a third.
    private static let letters = InflateTests.noise.map { 48 + $0 % 3 }

    private var rounds = FuzzRounds(60)
    private lazy var random = SplitMix(seed: rounds.seed)

    @Test(arguments: Packing.allCases) func packedBodies(packing: Packing) {
        var fuzz = self
        fuzz.run(packing)
    }

    private mutating func run(_ packing: Packing) {
        var limits = HTTPLimits()
        limits.inflatedBytes = 150_000
        let harness = EngineHarness(limits: limits)
        var (taken, refused) = (0, 0)
        while rounds.next() {
            let body = make(packing)
            let connection = harness.open()
            harness.feed(connection, InflateTests.request(packing.rawValue, body))
            var rounds = 1
            while harness.engine.inflateRound() { rounds += 1 }
            let wasTaken = harness.bodies.count == 1
            let output = String(decoding: harness.output(connection), as: UTF8.self)
            #expect(output.hasPrefix(wasTaken ? "HTTP/1.1 200 " : "HTTP/1.1 4"))
            #expect(rounds <= 2 + (body.count * Inflater.inputCost + limits.inflatedBytes) / limits.inflatedPerRound)
            if packing == .deflate {
                let wanted = Self.uncompress(body, room: limits.inflatedBytes)
                let bound = max(Inflater.ratioFreeBytes, body.count * limits.inflateRatio)
                #expect((wanted.map { $0.count <= bound } ?? false) == wasTaken)
                if wasTaken { #expect(harness.bodies[0] == wanted) }
            }
            (taken, refused) = wasTaken ? (taken + 1, refused) : (taken, refused + 1)
            harness.engine.close(connection)
            harness.forget()
        }
        print("fuzz \(packing): \(taken) inflated, \(refused) refused")
        #expect(taken > 0 && refused > 0)
    }

    /// zlib's own answer for a whole body; nil: it is damaged, cut, followed by something, or too large.
    private static func uncompress(_ packed: [UInt8], room: Int) -> [UInt8]? {
        var output = [UInt8](repeating: 0, count: room)
        var (count, taken) = (UInt(room), UInt(packed.count))
        guard CZlib.uncompress2(&output, &count, packed, &taken) == Z_OK, taken == packed.count else { return nil }
        return Array(output[..<Int(count)])
    }

    private mutating func chance(_ oneIn: Int) -> Bool { Int.random(in: 0..<oneIn, using: &random) == 0 }

    private mutating func make(_ packing: Packing) -> [UInt8] {
        let count = Int.random(in: 0...(chance(4) ? 190_000 : 600), using: &random)
        let start = Int.random(in: 0...(InflateTests.noise.count - count), using: &random)
        let plain: [UInt8] =
            switch Int.random(in: 0..<3, using: &random) {
            case 0: [UInt8](repeating: 48, count: count)
            case 1: Array(InflateTests.noise[start..<start + count])
            default: Array(Self.letters[start..<start + count])
            }
        var body = packing.pack(plain, level: Int32.random(in: 0...9, using: &random))
        for _ in 0..<(chance(2) ? 0 : Int.random(in: 1...4, using: &random)) { bend(&body, packing) }
        return body
    }

    private mutating func bend(_ body: inout [UInt8], _ packing: Packing) {
        guard !body.isEmpty else { return }
        let place = Int.random(in: 0..<body.count, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: body[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: body[place] = .random(in: 0...255, using: &random)
        case 2: body.removeSubrange(place...)
        case 3: body.insert(contentsOf: body[place...].prefix(64), at: Int.random(in: 0...body.count, using: &random))
        case 4: body += packing.pack([UInt8](repeating: 7, count: place))
        default: body.append(.random(in: 0...255, using: &random))
        }
    }
}
