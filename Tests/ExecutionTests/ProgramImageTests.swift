// Images of pipelines: what is written can be read again, and what is damaged is refused, never trusted.

import CKernels
import Execution
import FuzzSupport
import ModelFormat
import Testing

@Suite(.serialized) struct ProgramImageTests {
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
        let place = MemoryLayout<serin_program_header>.offset(of: \.checksum)!
        guard image.count >= place + 8 else { return image }
        let sum = image.withUnsafeBytes { serin_checksum($0.baseAddress! + place + 8, $0.count - place - 8) }
        withUnsafeBytes(of: sum) { image.replaceSubrange(place..<place + 8, with: $0) }
        return image
    }

    private func pipeline(_ seed: UInt64) -> (RandomPipelines, Pipeline) {
        var random = RandomPipelines(seed: seed)
        let pipeline = random.pipeline(seed % 2 == 0 ? .exact : .smooth)
        return (random, pipeline)
    }

    @Test func anImageScoresAsTheModelItCameFrom() throws {
        for seed in 1...100 as ClosedRange<UInt64> {
            var (random, pipeline) = pipeline(seed)
            let model = try CompiledModel.compile(.pipeline(pipeline))
            let copy = try load(model.image)
            let rows = random.rows(pipeline, .exact, count: 5)
            let (own, copied) = (score(model, rows, .float64), score(copy, rows, .float64))
            #expect(bits(own.margins) == bits(copied.margins) && bits(own.scores) == bits(copied.scores))
            #expect(copy.isExact == model.isExact && copy.worstCaseNodesPerRow == model.worstCaseNodesPerRow)
            #expect(copy.worstCaseOperationsPerRow == pipeline.worstCaseOperationsPerRow)
            #expect(copy.image == (try CompiledModel.compile(.pipeline(pipeline)).image), "the same bytes")
        }
    }

    @Test func everyDamagedByteIsFound() throws {
        let image = try CompiledModel.compile(.pipeline(pipeline(6).1)).image
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

    /// Words that no place, count or index can hold, one at a time: of parameters that are not used, too.
    @Test(arguments: [UInt64.max, 1 << 63, UInt64(UInt32.max)]) func absurdWordsAreNoTrap(_ word: UInt64) throws {
        for seed in 1...12 as ClosedRange<UInt64> {
            let image = try CompiledModel.compile(.pipeline(pipeline(seed).1)).image
            for place in stride(from: 0, to: min(image.count - 8, 4_096), by: 8) {
                var damaged = image
                withUnsafeBytes(of: word) { damaged.replaceSubrange(place..<place + 8, with: $0) }
                _ = try? load(sealed(damaged))
            }
        }
    }

    @Test func anotherVersionIsNamed() throws {
        var image = try CompiledModel.compile(.pipeline(pipeline(3).1)).image
        image[MemoryLayout<serin_program_header>.offset(of: \.version)!] = 9
        let error = #expect(throws: ImageError.self) { try load(sealed(image)) }
        #expect(error?.message == "the compiled image is of version 9, expected \(SERIN_PROGRAM_VERSION)")
    }

    /// Images with a right checksum and wrong contents: refused, or harmless to score with.
    @Test func programImageFuzzSurvives() throws {
        var rounds = FuzzRounds(20)
        var random = SeededGenerator(seed: rounds.seed)
        var (runs, accepted) = (0, 0)
        while rounds.next() {
            var (pipelines, pipeline) = pipeline(random.next())
            let image = try CompiledModel.compile(.pipeline(pipeline)).image
            for _ in 0..<40 {
                runs += 1
                guard let model = try? load(sealed(damage(image, &random))) else { continue }
                accepted += 1
                pipeline.input.columns = model.featureCount
                _ = score(model, pipelines.rows(pipeline, .exact, count: 20), .float64)
            }
        }
        #expect(accepted > 0 && accepted < runs)
        print("fuzz program image: \(runs) images, \(accepted) accepted, seed \(rounds.seed)")
    }

    /// Overwrites aligned words: of the header, of values and stages (which come first), of anything.
    private func damage(_ image: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var image = image
        let header = MemoryLayout<serin_program_header>.size
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let end = [header, min(image.count, 2_048), image.count].randomElement(using: &random)!
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
