// Lines into files: compressed, rotated, bounded in sum, and readable whatever happens.
//
//     decisions-000000000007.ndjson.gz   | gzip member | gzip member | …      a member: up to a second of lines, or 256 KiB
//
// A member is written by one call and cut off again if the disk took only a part of it, so a segment is always a row of
// whole members, which gzip, zcat and every reader of gzip join (RFC 1952, 2.2). A process that is killed while it
// writes leaves at most its last member short. Segments beyond `keepBytes` are removed, the oldest first.

internal import CZlib
public import Configuration
internal import Glibc
internal import Primitives

public struct SegmentWriter: ~Copyable {
    public static let prefix = "decisions-"
    public static let suffix = ".ndjson.gz"

    private let folder: String
    private let segmentBytes: Int
    private let keepBytes: Int
    private var descriptor: Int32 = -1
    private var size = 0
    private var number: Int
    private var packed = GrowableBuffer()
    // zlib's state points back at it: it has an address of its own.
    private let state = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

    /// - Throws: where the folder cannot be made or read.
    public init(folder: String, segmentBytes: Int, keepBytes: Int) throws(ConfigurationError) {
        (self.folder, self.segmentBytes, self.keepBytes) = (folder, segmentBytes, keepBytes)
        if mkdir(folder, 0o700) != 0, errno != EEXIST { throw Self.failed(folder, errno) }
        number = try Self.segments(folder).last.map { Self.number($0) ?? 0 } ?? 0
        state.initialize(to: z_stream())
        let bytes = Int32(MemoryLayout<z_stream>.size)
        // Fast rather than small: a row of 32 features costs 2 µs instead of 9, and is a third larger.
        let code = deflateInit2_(state, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, bytes)
        guard code == Z_OK else { fatalError("out of memory for compression") }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
        deflateEnd(state)
        state.deallocate()
    }

    private static func failed(_ place: String, _ code: Int32) -> ConfigurationError {
        ConfigurationError(source: place, message: "cannot be written: \(FileBytes.reason(code))")
    }

    /// The names of a folder's segments, the oldest first.
    public static func segments(_ folder: String) throws(ConfigurationError) -> [String] {
        guard let stream = opendir(folder) else {
            throw ConfigurationError(source: folder, message: "cannot be read: \(FileBytes.reason(errno))")
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if number(name) != nil { names.append(name) }
        }
        return names.sorted()
    }

    private static func number(_ name: String) -> Int? {
        guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { return nil }
        let digits = name.dropFirst(prefix.count).dropLast(suffix.count)
        return digits.count == 12 ? Int(digits) : nil
    }

    /// Writes lines as one member.
    public mutating func write(_ text: UnsafeRawBufferPointer) throws(ConfigurationError) {
        if text.isEmpty { return }
        pack(text)
        if descriptor >= 0, size + packed.count > segmentBytes { closeSegment() }
        if descriptor < 0 { try openSegment() }
        let written = Glibc.write(descriptor, packed.pointer, packed.count)
        guard written == packed.count else {
            let code = written < 0 ? errno : ENOSPC
            // What the disk took of it is no member.
            if ftruncate(descriptor, off_t(size)) != 0 || lseek(descriptor, off_t(size), SEEK_SET) < 0 {
                closeSegment()
            }
            throw Self.failed(folder, code)
        }
        size += packed.count
    }

    private mutating func pack(_ text: UnsafeRawBufferPointer) {
        deflateReset(state)
        packed.count = 0
        packed.reserve(Int(deflateBound(state, UInt(text.count))))
        state.pointee.next_in = UnsafeMutablePointer(
            mutating: text.baseAddress?.assumingMemoryBound(to: UInt8.self))
        state.pointee.avail_in = UInt32(text.count)
        state.pointee.next_out = packed.pointer.assumingMemoryBound(to: UInt8.self)
        state.pointee.avail_out = UInt32(packed.capacity)
        let code = deflate(state, Z_FINISH)
        precondition(code == Z_STREAM_END, "deflateBound is enough")
        packed.count = packed.capacity - Int(state.pointee.avail_out)
    }

    private mutating func openSegment() throws(ConfigurationError) {
        removeOldest()
        number += 1
        let digits = String(number)
        let path = "\(folder)/\(Self.prefix)\(String(repeating: "0", count: 12 - digits.count))\(digits)\(Self.suffix)"
        descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        size = 0
        guard descriptor >= 0 else { throw Self.failed(path, errno) }
    }

    private mutating func closeSegment() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }

    /// Makes room for a segment more.
    private func removeOldest() {
        guard let names = try? Self.segments(folder) else { return }
        var sizes = names.map { name in
            var status = stat()
            return stat("\(folder)/\(name)", &status) == 0 ? Int(status.st_size) : 0
        }
        for name in names {
            guard sizes.reduce(0, +) + segmentBytes > keepBytes else { return }
            unlink("\(folder)/\(name)")
            sizes.removeFirst()
        }
    }

    /// What was written is on disk.
    public func synchronize() { if descriptor >= 0 { fdatasync(descriptor) } }
}
