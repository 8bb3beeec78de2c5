// Where the body of an HTTP/1.1 request ends: after so many bytes, or after its last chunk and trailers.
//
//     length ──► data ──────────────────────────────► end
//     chunked ─► size line ─► data ─► CR LF ─► size line … 0 ─► trailers ─► end
//                    ▲___________________│
//
// A line is looked at once it is whole; it waits in the connection's input, where it cannot grow beyond its
// bound. http-parser is not asked: it takes any two bytes for the CR LF behind a chunk, which is how two servers
// in a chain come to disagree about where a request begins (RFC 9112, 7.1 and 11.2).

import Glibc

struct HTTP1Body {
    private enum Phase { case data, dataEnd, sizeLine, trailers }

    enum Step: Equatable {
        /// More bytes are needed; `consumed` of these are done with.
        case incomplete(consumed: Int)
        /// Body bytes, at this place of the input.
        case data(Range<Int>)
        /// The request is whole; it ends here.
        case end(consumed: Int)
        /// A chunk says that it is larger than the room there is.
        case tooLarge
        case fault(HTTPFault)
    }

    /// Digits of a chunk's size, leading zeros included.
    private static let digits = 16

    private var phase = Phase.data
    private var isChunked = false
    /// Body bytes of the length, or of the chunk, that have not come.
    private var left = 0
    /// Bytes of extensions and of trailers so far.
    private var extensions = 0
    private var trailers = 0

    /// The limit that a fault was about; nil: none.
    private(set) var exceeded: HTTPLimit?
    private var limits = Limits()
    /// Chunks so far that were small.
    private var smallChunks = 0

    /// Of one chunk's extensions, in bytes, all of a request's together may have as many as a head; and chunks of less than
    /// `smallBytes`: each costs as much as a frame of HTTP/2, and says next to nothing.
    struct Limits {
        var extensionBytes = 256
        var smallChunks = 1024
        static let smallBytes = 64
    }

    init(_ framing: HTTP1Head.Framing = .none, _ limits: Limits = Limits()) {
        self.limits = limits
        switch framing {
        case .none: break
        case .length(let length): left = length
        case .chunked:
            isChunked = true
            phase = .sizeLine
        }
    }

    /// Reads on from the start of `input`; `limit` bounds extensions and trailers, `room` the body, in bytes.
    mutating func next(_ input: UnsafeRawBufferPointer, limit: Int, room: Int) -> Step {
        var consumed = 0
        while true {
            let rest = UnsafeRawBufferPointer(rebasing: input[consumed...])
            switch phase {
            case .data:
                if left == 0, !isChunked { return .end(consumed: consumed) }
                if rest.isEmpty { return .incomplete(consumed: consumed) }
                let count = min(left, rest.count)
                left -= count
                if left == 0, isChunked { phase = .dataEnd }
                return .data(consumed..<consumed + count)
            case .dataEnd:
                if rest.count < 2 {
                    if let first = rest.first, first != 13 { return .fault(Self.unendedChunk) }
                    return .incomplete(consumed: consumed)
                }
                guard rest[0] == 13, rest[1] == 10 else { return .fault(Self.unendedChunk) }
                consumed += 2
                phase = .sizeLine
            case .sizeLine:
                switch line(rest, limit: Self.digits + limits.extensionBytes) {
                case .fault(let fault): return .fault(fault)
                case .incomplete: return .incomplete(consumed: consumed)
                case .ends(let end):
                    if let fault = readSize(UnsafeRawBufferPointer(rebasing: rest[..<(end - 2)]), limit) {
                        return .fault(fault)
                    }
                    if left > room { return .tooLarge }
                    if left > 0, left < Limits.smallBytes, let fault = countSmallChunk() { return .fault(fault) }
                    consumed += end
                    phase = left == 0 ? .trailers : .data
                }
            case .trailers:
                switch line(rest, limit: limit - trailers) {
                case .fault(let fault): return .fault(fault)
                case .incomplete: return .incomplete(consumed: consumed)
                case .ends(let end):
                    consumed += end
                    trailers += end
                    if end == 2 { return .end(consumed: consumed) }
                    // What trailers say is nobody's business here; they must only be fields.
                    do throws(HTTPFault) { _ = try HTTP1HeadCheck.colon(rest, 0, end - 2) } catch {
                        return .fault(error)
                    }
                }
            }
        }
    }

    private static var unendedChunk: HTTPFault { HTTPFault(400, "a chunk is longer than its size says") }

    private enum Line {
        case incomplete
        case ends(at: Int)
        case fault(HTTPFault)
    }

    /// The line that begins here, its CR LF included; without it at most `limit` bytes may come.
    private mutating func line(_ rest: UnsafeRawBufferPointer, limit: Int) -> Line {
        guard let base = rest.baseAddress, let found = memchr(base, 10, rest.count) else {
            return rest.count > limit + 1 ? .fault(tooLong()) : .incomplete
        }
        let end = UnsafeRawPointer(found) - base + 1
        if end - 2 > limit { return .fault(tooLong()) }
        guard end >= 2, rest[end - 2] == 13 else {
            return .fault(HTTPFault(400, "a line of a chunked body does not end in CR LF"))
        }
        return .ends(at: end)
    }

    private mutating func tooLong() -> HTTPFault {
        exceeded = phase == .trailers ? .headerBytes : .chunkExtensions
        return phase == .trailers
            ? HTTPFault(431, "the trailers of a chunked body are too large")
            : HTTPFault(400, "a chunk's extensions are longer than \(limits.extensionBytes) bytes")
    }

    private mutating func countSmallChunk() -> HTTPFault? {
        smallChunks += 1
        guard smallChunks > limits.smallChunks else { return nil }
        exceeded = .smallChunks
        return HTTPFault(400, "more than \(limits.smallChunks) chunks have less than \(Limits.smallBytes) bytes")
    }

    /// `size [BWS ";" extension …]`, in `line`, without its end.
    private mutating func readSize(_ line: UnsafeRawBufferPointer, _ limit: Int) -> HTTPFault? {
        var (size, count) = (0, 0)
        while count < line.count, count < Self.digits, let digit = Self.hexadecimal(line[count]) {
            // 16 digits are 64 bits: what does not fit in 62 is more than any body.
            size = size >= 1 << 58 ? 1 << 62 : size << 4 | digit
            count += 1
        }
        guard count > 0 else { return HTTPFault(400, "a chunk's size is not a hexadecimal number") }
        left = size
        if count == line.count { return nil }
        var index = count
        while index < line.count, line[index] == 32 || line[index] == 9 { index += 1 }
        guard index < line.count, line[index] == 59 else {
            return HTTPFault(400, "a chunk's size is not a hexadecimal number")
        }
        extensions += line.count - count
        if line.count - count > limits.extensionBytes || extensions > limit { return tooLong() }
        for byte in line[index...] where (byte < 32 && byte != 9) || byte == 127 {
            return HTTPFault(400, "a chunk's extension has a control byte")
        }
        return nil
    }

    private static func hexadecimal(_ byte: UInt8) -> Int? {
        switch byte {
        case 48...57: Int(byte) - 48
        case 65...70: Int(byte) - 55
        case 97...102: Int(byte) - 87
        default: nil
        }
    }
}
