// Images: what is written can be read again, and what is damaged is refused, never trusted.

import CKernels
import Execution
import FuzzSupport
import ModelFormat
import Testing

@Suite(.serialized) struct ImageTests {
    private func load(_ image: [UInt8]) throws(ImageError) -> CompiledModel {
        // Typed throws do not pass through withUnsafeBytes.
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: image.count, alignment: 16)
        defer { copy.deallocate() }
        copy.copyBytes(from: image)
        return try CompiledModel(image: UnsafeRawBufferPointer(copy))
    }

    /// Writes the checksum that the bytes call for.
    private func sealed(_ image: [UInt8]) -> [UInt8] {
        var image = image
        let place = MemoryLayout<serin_image_header>.offset(of: \.checksum)!
        guard image.count >= place + 8 else { return image }
        let sum = image.withUnsafeBytes { serin_checksum($0.baseAddress! + place + 8, $0.count - place - 8) }
        withUnsafeBytes(of: sum) { image.replaceSubrange(place..<place + 8, with: $0) }
        return image
    }

    @Test func anImageScoresAsTheModelItCameFrom() throws {
        for seed in 1...50 as ClosedRange<UInt64> {
            var random = RandomForests(seed: seed)
            let forest = random.forest()
            let model = try CompiledModel.compile(forest)
            let copy = try load(model.image)
            let rows = random.rows(forest, count: 5)
            let (own, copied) = (score(model, rows, .float64), score(copy, rows, .float64))
            #expect(bits(own.margins) == bits(copied.margins) && bits(own.scores) == bits(copied.scores))
            #expect(copy.maxDepth == forest.maxDepth && copy.worstCaseNodesPerRow == forest.worstCaseNodesPerRow)
            #expect(copy.image == (try CompiledModel.compile(forest).image), "the same forest, the same bytes")
        }
    }

    @Test func everyDamagedByteIsFound() throws {
        var random = RandomForests(seed: 3)
        let image = try CompiledModel.compile(random.forest(maxTrees: 3, maxSplits: 6)).image
        for place in image.indices {
            var damaged = image
            damaged[place] ^= 1 << UInt8(place % 8)
            #expect(throws: ImageError.self) { try load(damaged) }
        }
        for length in stride(from: 0, to: image.count, by: 7) {
            #expect(throws: ImageError.self) { try load(Array(image[..<length])) }
        }
        #expect(throws: ImageError.self) { try load(image + [0]) }
    }

    @Test func anotherVersionIsNamed() throws {
        var random = RandomForests(seed: 3)
        var image = try CompiledModel.compile(random.forest()).image
        image[MemoryLayout<serin_image_header>.offset(of: \.version)!] = 9
        let error = #expect(throws: ImageError.self) { try load(sealed(image)) }
        #expect(error?.message == "the compiled image is of version 9, expected \(SERIN_IMAGE_VERSION)")
    }

    /// Words that no place, count or index can hold, one at a time: of sections that are not used, too.
    @Test(arguments: [UInt64.max, 1 << 63, UInt64(UInt32.max)]) func absurdWordsAreNoTrap(_ word: UInt64) throws {
        for seed in 1...12 as ClosedRange<UInt64> {
            var random = RandomForests(seed: seed)
            let forest = random.forest(maxTrees: 4, maxSplits: 9)
            let image = try CompiledModel.compile(forest).image
            for place in stride(from: 0, to: MemoryLayout<serin_image_header>.size, by: 8) {
                var damaged = image
                withUnsafeBytes(of: word) { damaged.replaceSubrange(place..<place + 8, with: $0) }
                guard let model = try? load(sealed(damaged)) else { continue }
                _ = score(model, random.rows(resized(forest, model), count: 1), .float64)
            }
        }
    }

    /// Images with a right checksum and wrong contents: refused, or harmless to score with.
    @Test func imageFuzzSurvives() throws {
        var rounds = FuzzRounds(10)
        var random = SeededGenerator(seed: rounds.seed)
        var (runs, accepted) = (0, 0)
        while rounds.next() {
            var forests = RandomForests(seed: random.next())
            let forest = forests.forest(maxTrees: 12, maxSplits: 70)
            let image = try CompiledModel.compile(forest).image
            for _ in 0..<40 {
                runs += 1
                guard let model = try? load(sealed(damage(image, &random))) else { continue }
                accepted += 1
                _ = score(model, forests.rows(resized(forest, model), count: 3), .float64)
            }
        }
        #expect(accepted > 0 && accepted < runs)
        print("fuzz image: \(runs) images, \(accepted) accepted, seed \(rounds.seed)")
    }

    /// The forest with as many features as the damaged image claims.
    private func resized(_ forest: Forest, _ model: CompiledModel) -> Forest {
        var forest = forest
        forest.featureCount = model.featureCount
        return forest
    }

    /// Overwrites aligned words, in the header as often as behind it.
    private func damage(_ image: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var image = image
        let header = MemoryLayout<serin_image_header>.size
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let end = random.chance(0.5) ? header : image.count
            let place = Int.random(in: 0..<end / 4, using: &random) * 4
            let old = image[place..<place + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            let words: [UInt32] = [
                0, 1, old &+ 1, old &- 1, old &* 2, 64, 0xFFFF, 0x1_0000, .max, 1 << 31, UInt32(random.next() & 0xFF),
            ]
            withUnsafeBytes(of: words.randomElement(using: &random)!) {
                image.replaceSubrange(place..<place + 4, with: $0)
            }
        }
        return random.chance(0.1) ? Array(image[..<Int.random(in: 0...image.count, using: &random)]) : image
    }
}
