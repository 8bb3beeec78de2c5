// simdjson and the scanner must agree on every document; mutated JSON, seeded.
//
// How long, and from which seed: FuzzRounds.

import FuzzSupport
import Testing

@testable import JSON

@Suite(.serialized) struct FuzzTests {
    static let seeds = [
        #"{"id":"a","inputs":[{"name":"features","shape":[1,3],"datatype":"FP32","data":[1.5,null,-3e2]}]}"#,
        #"{"instances":[{"amount":12.5,"country":"DE","é":"\ud83d\ude00\u0041\\\"\/\b\f\n\r\t"},[1,2,3]]}"#,
        #"[0,-0,0.0,1e5,1E-5,-12.75e+10,18446744073709551615,-9223372036854775808,123456789012345678901234567890]"#,
        #"[true,false,null,[],{},[[]],{"":{}},"",[1,[2,[3,[4]]]]]"#, "12", "\"x\"", " [ 1 , 2 ] ",
    ]
    static let tokens = [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud800", "\\udc00", "\\u0000", "e", "E", "+", "-", ".", "0",
        "00", "9", "1e999", "1e-999", "9223372036854775808", "18446744073709551616", "-9223372036854775809", "true",
        "false", "null", "NaN", "Infinity", " ", "\n", "\t", "\u{feff}", "é", "\"\":", "[[[[[[[[", "]]]]]]]]",
        "99999999999999999999999999999999999999999", "0.00000000000000000000000000000001", "//", "/**/", "'",
        "1.7976931348623158e308", "1.7976931348623159e308", "2.2250738585072011e-308",
    ]

    private func mutate(_ document: [UInt8], _ random: inout SplitMix) -> [UInt8] {
        var document = document
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let place = Int.random(in: 0...document.count, using: &random)
            let end = min(document.count, place + Int.random(in: 0...8, using: &random))
            switch Int.random(in: 0..<6, using: &random) {
            case 0: document.insert(contentsOf: Self.tokens.randomElement(using: &random)!.utf8, at: place)
            case 1: document.removeSubrange(place..<end)
            case 2: document.insert(contentsOf: document[place..<end], at: place)
            case 3: if place < document.count { document[place] ^= 1 << UInt8.random(in: 0..<8, using: &random) }
            case 4: if place < document.count { document[place] = .random(in: 0...255, using: &random) }
            default: document.replaceSubrange(place..<end, with: Self.tokens.randomElement(using: &random)!.utf8)
            }
        }
        return document
    }

    /// Reads every value, so that a wrong tape would be walked out of bounds.
    private func walk(_ value: JSONValue) -> Int {
        if let array = value.asArray { return array.reduce(1) { $0 + walk($1) } }
        if let object = value.asObject {
            return object.reduce(1) { $0 + ($1.name.asString ?? "").utf8.count + walk($1.value) }
        }
        return 1 + (value.asString?.utf8.count ?? 0) + (value.asDouble == nil ? 0 : 1)
    }

    @Test func parserAndScannerAgree() {
        var rounds = FuzzRounds(8000)
        var random = SplitMix(seed: rounds.seed)
        var parser = JSONParser(maxBytes: 1 << 20, maxDepth: 8)
        var (accepted, refused) = (0, 0)
        var corpus = Self.seeds.map { Array($0.utf8) }
        while rounds.next() {
            let document = mutate(corpus.randomElement(using: &random)!, &random)
            var valid = true
            document.withUnsafeBytes { bytes in
                var scanner = JSONScanner(bytes, maxDepth: 8)
                do throws(JSONError) { try scanner.scan() } catch { valid = false }
            }
            do throws(JSONError) {
                let root = try parser.parse(copying: document)
                #expect(valid, "accepted: \(String(decoding: document, as: UTF8.self))")
                #expect(walk(root) > 0)
                accepted += 1
                if document.count < 2000, corpus.count < 500 { corpus.append(document) }
            } catch {
                #expect(!valid, "refused: \(String(decoding: document, as: UTF8.self)): \(error)")
                #expect((0...document.count).contains(error.offset))
                refused += 1
            }
        }
        print("fuzz JSON: \(accepted) accepted, \(refused) refused")
        #expect(accepted > 0 && refused > 0)
    }
}
