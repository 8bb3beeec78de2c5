// CatBoost's hashes, as the library gave them for names of every length to 200 characters.

import Foundation
import Testing

@testable import ModelFormat

@Suite struct CatBoostHashTests {
    private struct Known: Decodable {
        var name: String
        var hash: UInt32
    }

    @Test func namesHashAsInTheLibrary() throws {
        let lines = try Data(contentsOf: CatBoostFixture.folder.appending(path: "hashes.ndjson"))
            .split(separator: UInt8(ascii: "\n"))
        var lengths: Set<Int> = []
        for line in lines {
            let known = try JSONDecoder().decode(Known.self, from: line)
            lengths.insert(known.name.utf8.count)
            #expect(CategoryHash.hash(known.name) == known.hash, "\(known.name.utf8.count) bytes")
            guard let code = Int64(known.name), "\(code)" == known.name else { continue }
            #expect(CategoryHash.hash(decimal: code) == known.hash, "\(code)")
        }
        #expect(lines.count > 200 && lengths.contains { (1...3).contains($0) })
        for range in [4...8, 9...16, 17...32, 33...64, 65...128, 129...600] {
            #expect(lengths.contains { range.contains($0) }, "\(range)")
        }
    }

    @Test func aRowsValueStandsForACategory() {
        let listed = ["DE", "FR"].map { CategoryHash.hash($0) }
        func expect(_ value: Double, _ name: String) {
            #expect(CategoryHash.hash(of: value, listed: listed) == CategoryHash.hash(name), "\(value)")
        }
        for (value, name) in [(0, "DE"), (1.9, "FR"), (-0.9, "DE"), (2, "2"), (-1, "-1"), (-1.5, "-1")] {
            expect(value, name)
        }
        expect(.nan, "nan")
        expect(.infinity, "inf")
        expect(-0x1p63, "-inf")
        expect(0x1p62, "4611686018427387904")
        expect(-9_007_199_254_740_992, "-9007199254740992")
    }

    @Test func decimalsAreTheirOwnDigits() {
        #expect(CategoryHash.decimals.count == CategoryHash.decimalCount)
        for code in [0, 9, 10, 99, 100, 65_535] {
            #expect(CategoryHash.decimals[code] == CategoryHash.hash("\(code)"))
        }
        #expect(CategoryHash.hash(decimal: .min) == CategoryHash.hash("-9223372036854775808"))
    }
}
