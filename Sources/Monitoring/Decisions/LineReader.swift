// The lines of a decision log: one file, plain or compressed, or a folder of segments, in constant memory.

internal import CZlib
public import Configuration
internal import Glibc
internal import Primitives

public struct LineReader: ~Copyable {
    /// A longer line is no decision.
    static let lineBytesMax = 4 << 20

    private let files: [String]
    private var buffer = GrowableBuffer()
    private var packed = GrowableBuffer(capacity: 256 << 10)
    /// Files whose last member is cut off, as a process leaves it that is killed while it writes.
    public private(set) var cutOff: [String] = []

    /// - Parameter path: a file, or a folder of segments.
    public init(path: String) throws(ConfigurationError) {
        files = try Self.files(path)
    }

    private static func files(_ path: String) throws(ConfigurationError) -> [String] {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw ConfigurationError(source: path, message: "cannot be opened: \(FileBytes.reason(errno))")
        }
        guard status.st_mode & S_IFMT == S_IFDIR else { return [path] }
        let files = try SegmentWriter.segments(path).map { "\(path)/\($0)" }
        if files.isEmpty { throw ConfigurationError(source: path, message: "holds no segment of a decision log") }
        return files
    }

    /// Calls `body` with every line, 64 readable bytes behind it, its file and its number in it.
    public mutating func readAll(
        _ body: (UnsafeRawBufferPointer, String, Int) throws -> Void
    ) throws {
        for file in files {
            let descriptor = open(file, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else {
                throw ConfigurationError(source: file, message: "cannot be opened: \(FileBytes.reason(errno))")
            }
            defer { close(descriptor) }
            buffer.count = 0
            var line = 0
            if file.hasSuffix(".gz") {
                try inflate(file, descriptor, &line, body)
            } else {
                while try Self.fill(file, descriptor, into: &buffer) { try give(file, &line, body) }
            }
            // A last line without its break is whole only in a plain file.
            if buffer.count > 0, !cutOff.contains(file) {
                buffer.append(byte: 10)
                try give(file, &line, body)
            }
        }
    }

    /// Appends what comes next of a file; false: nothing.
    private static func fill(
        _ file: String, _ descriptor: Int32, into buffer: inout GrowableBuffer
    ) throws(ConfigurationError) -> Bool {
        let step = 256 << 10
        buffer.reserve(buffer.count + step)
        while true {
            let got = read(descriptor, buffer.pointer + buffer.count, step)
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else {
                throw ConfigurationError(source: file, message: "cannot be read: \(FileBytes.reason(errno))")
            }
            buffer.count += got
            return got > 0
        }
    }

    private mutating func inflate(
        _ file: String, _ descriptor: Int32, _ line: inout Int,
        _ body: (UnsafeRawBufferPointer, String, Int) throws -> Void
    ) throws {
        let state = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        state.initialize(to: z_stream())
        defer { state.deallocate() }
        guard inflateInit2_(state, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            fatalError("out of memory for compression")
        }
        defer { inflateEnd(state) }
        var isWhole = true
        packed.count = 0
        while try Self.fill(file, descriptor, into: &packed) {
            state.pointee.next_in = packed.pointer.assumingMemoryBound(to: UInt8.self)
            state.pointee.avail_in = UInt32(packed.count)
            while state.pointee.avail_in > 0 {
                buffer.reserve(buffer.count + (256 << 10))
                state.pointee.next_out = (buffer.pointer + buffer.count).assumingMemoryBound(to: UInt8.self)
                state.pointee.avail_out = 256 << 10
                let code = CZlib.inflate(state, Z_NO_FLUSH)
                buffer.count += (256 << 10) - Int(state.pointee.avail_out)
                isWhole = code == Z_STREAM_END
                guard code == Z_OK || isWhole else {
                    throw ConfigurationError(source: file, line: line + 1, message: "is damaged behind this line")
                }
                if isWhole { inflateReset(state) }
                try give(file, &line, body)
            }
            packed.count = 0
        }
        if !isWhole { cutOff.append(file) }
    }

    /// Gives out the whole lines that are in the buffer.
    private mutating func give(
        _ file: String, _ line: inout Int, _ body: (UnsafeRawBufferPointer, String, Int) throws -> Void
    ) throws {
        var at = 0
        while let found = memchr(buffer.pointer + at, 10, buffer.count - at) {
            let end = buffer.pointer.distance(to: found)
            line += 1
            if end > at { try body(UnsafeRawBufferPointer(start: buffer.pointer + at, count: end - at), file, line) }
            at = end + 1
        }
        memmove(buffer.pointer, buffer.pointer + at, buffer.count - at)
        buffer.count -= at
        if buffer.count > Self.lineBytesMax {
            throw ConfigurationError(source: file, line: line + 1, message: "is longer than \(Self.lineBytesMax) bytes")
        }
    }
}
