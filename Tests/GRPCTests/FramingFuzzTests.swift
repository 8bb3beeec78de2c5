// Bodies of calls at random: frames whole, cut, joined and bent, gzip whole and damaged, reflection's requests.

import FuzzSupport
import Glibc
import Primitives
import Testing

@testable import GRPC

@Suite(.serialized) struct FramingFuzzTests {
    private static let limit = 4096

    private func fuzz(_ body: (inout SplitMix) -> Void) {
        var rounds = FuzzRounds(8000)
        var random = SplitMix(seed: rounds.seed)
        while rounds.next() { body(&random) }
    }

    private func bytes(_ random: inout SplitMix, _ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    private func bend(_ body: [UInt8], _ random: inout SplitMix) -> [UInt8] {
        var body = body
        for _ in 0..<Int.random(in: 1...3, using: &random) where !body.isEmpty {
            let place = Int.random(in: 0..<body.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: body[place] = .random(in: 0...255, using: &random)
            case 1: body.remove(at: place)
            case 2: body.insert(.random(in: 0...255, using: &random), at: place)
            default: body.removeLast(body.count - place)
            }
        }
        return body
    }

    // MARK: Frames

    /// What a plain reading of the specification finds: the messages, and the code of what follows them.
    private func plainly(_ body: [UInt8]) -> (messages: [[UInt8]], code: GRPCStatus.Code?) {
        var rest = body[...]
        var messages: [[UInt8]] = []
        while !rest.isEmpty {
            guard rest.count >= 5 else { return (messages, .internal) }
            let prefix = Array(rest.prefix(5))
            let length = prefix[1...].reduce(0) { $0 << 8 | Int($1) }
            if prefix[0] > 1 { return (messages, .internal) }
            if length > Self.limit { return (messages, .resourceExhausted) }
            guard rest.count - 5 >= length else { return (messages, .internal) }
            messages.append(Array(rest.dropFirst(5).prefix(length)))
            rest = rest.dropFirst(5 + length)
        }
        return (messages, nil)
    }

    @Test func framesFuzz() {
        var (whole, broken) = (0, 0)
        fuzz { random in
            var body: [UInt8] = []
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                let message = bytes(&random, Int.random(in: 0...60, using: &random))
                let flag: UInt8 = Int.random(in: 0..<20, using: &random) == 0 ? .random(in: 0...255, using: &random) : 0
                body += [flag, 0, 0, 0, UInt8(message.count)] + message
            }
            if Int.random(in: 0..<2, using: &random) == 0 { body = bend(body, &random) }
            let wanted = plainly(body)
            body.withUnsafeBytes { bytes in
                compareFirst(bytes, wanted)
                compareOnly(bytes, wanted)
            }
            if wanted.code == nil { whole += 1 } else { broken += 1 }
        }
        print("fuzz frames: \(whole) whole, \(broken) broken")
        #expect(whole > 0 && broken > 0)
    }

    private func compareFirst(_ bytes: UnsafeRawBufferPointer, _ wanted: (messages: [[UInt8]], code: GRPCStatus.Code?))
    {
        var taken = 0
        var found: [[UInt8]] = []
        do throws(GRPCStatus) {
            while let frame = try MessageFrame.first(
                in: UnsafeRawBufferPointer(rebasing: bytes[taken...]), limit: Self.limit)
            {
                found.append(Array(frame.message))
                taken += frame.message.count + MessageFrame.prefixBytes
            }
            // What is not whole yet is no error before the client has finished.
            #expect(taken == bytes.count || wanted.code == .internal)
        } catch {
            #expect(error.code == wanted.code)
        }
        #expect(found == wanted.messages)
    }

    private func compareOnly(_ bytes: UnsafeRawBufferPointer, _ wanted: (messages: [[UInt8]], code: GRPCStatus.Code?)) {
        do throws(GRPCStatus) {
            let frame = try MessageFrame.only(in: bytes, limit: Self.limit)
            #expect(wanted.messages == [Array(frame.message)] && wanted.code == nil)
        } catch {
            #expect(wanted.messages.count != 1 || wanted.code != nil)
            #expect(error.code == (wanted.messages.isEmpty && !bytes.isEmpty ? wanted.code : .unimplemented))
        }
    }

    // MARK: gzip

    @Test func gzipFuzz() {
        let compression = MessageCompression()
        var (inflated, refused) = (0, 0)
        fuzz { random in
            let message =
                Int.random(in: 0..<2, using: &random) == 0
                ? bytes(&random, Int.random(in: 0...300, using: &random))
                : [UInt8](repeating: 7, count: Int.random(in: 0...6000, using: &random))
            var packed = GrowableBuffer()
            #expect(message.withUnsafeBytes { compression.deflate($0, into: &packed) })
            let isBent = Int.random(in: 0..<2, using: &random) == 0
            let body = isBent ? bend(Array(packed.bytes), &random) : Array(packed.bytes)
            body.withUnsafeBytes { bytes in
                do throws(GRPCStatus) {
                    let found = try compression.inflate(bytes, limit: Self.limit)
                    #expect(found.count <= Self.limit && (isBent || Array(found) == message))
                    inflated += 1
                } catch {
                    #expect(error.code == .internal || error.code == .resourceExhausted)
                    #expect(isBent || message.count > Self.limit)
                    refused += 1
                }
            }
        }
        print("fuzz gzip: \(inflated) inflated, \(refused) refused")
        #expect(inflated > 0 && refused > 0)
    }

    // MARK: Reflection

    @Test func reflectionFuzz() {
        var (answered, refused) = (0, 0)
        fuzz { random in
            var request = ProtobufWriter()
            let number = [1, 3, 4, 6, 7, 99].randomElement(using: &random)!
            request.field(
                number, ["inference.proto", "inference.ModelInferRequest", "x"].randomElement(using: &random)!)
            request.message(5) { $0.field(1, "inference.ModelInferRequest") }
            let body = Int.random(in: 0..<2, using: &random) == 0 ? bend(request.bytes, &random) : request.bytes
            body.withUnsafeBytes { bytes in
                do throws(GRPCStatus) {
                    let answer = try Reflection.answer(bytes)
                    answer.withUnsafeBytes { answer in
                        var fields = ProtobufReader(answer)
                        while fields.next() {}
                        #expect(!fields.isMalformed)
                    }
                    answered += 1
                } catch {
                    #expect(error.code == .invalidArgument)
                    refused += 1
                }
            }
        }
        print("fuzz reflection: \(answered) answered, \(refused) refused")
        #expect(answered > 0 && refused > 0)
    }
}
