// The file that is scored, cut into blocks of whole lines that threads read for themselves.
//
//     …header\n|a line\nanother li|ne\na third\n…      nominal blocks of equal size
//               └────── block 0 ──────┘└ block 1 …     a line belongs to the block that it begins in
//
// A block's thread looks one byte in front of it for the line break, and reads on behind it to its last line's end:
// no thread needs another one to know where its lines are, and no file is too large.

internal import Configuration
internal import Glibc
internal import Primitives

final class InputFile {
    let path: String
    let size: Int
    /// Of the last change, nanoseconds since 1970.
    let changed: Int
    /// Where the first block begins: behind CSV's header.
    var start = 0

    private let descriptor: Int32

    init(path: String) throws(ConfigurationError) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw ConfigurationError(source: path, message: "cannot be opened: \(FileBytes.reason(errno))")
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw ConfigurationError(source: path, message: "is not a regular file, which can be resumed and shared")
        }
        size = Int(status.st_size)
        changed = Int(status.st_mtim.tv_sec) * 1_000_000_000 + Int(status.st_mtim.tv_nsec)
        posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
    }

    deinit { close(descriptor) }

    /// Whether the file at that path is this one.
    func isFile(at other: String) -> Bool {
        var (mine, theirs) = (stat(), stat())
        return fstat(descriptor, &mine) == 0 && stat(other, &theirs) == 0
            && mine.st_dev == theirs.st_dev && mine.st_ino == theirs.st_ino
    }

    func blockCount(of blockBytes: Int) -> Int { (size - start + blockBytes - 1) / blockBytes }

    /// Fills `buffer` with the lines that begin in the block, a line break behind the last one.
    ///
    /// The last line may be cut, behind more than `lineBytesMax` bytes.
    func read(block: Int, of blockBytes: Int, into buffer: inout GrowableBuffer) throws(ConfigurationError) {
        let first = start + block * blockBytes
        let end = min(first + blockBytes, size)
        let from = block == 0 ? first : first - 1
        buffer.count = 0
        try append(from, end - from, to: &buffer)
        var skipped = 0
        if block > 0 {
            // A line begins in this block only if a break stands in front of one of its bytes.
            guard let found = memchr(buffer.pointer, 10, buffer.count - 1) else {
                buffer.count = 0
                return
            }
            skipped = buffer.pointer.distance(to: found) + 1
        }
        try completeLastLine(end, &buffer)
        memmove(buffer.pointer, buffer.pointer + skipped, buffer.count - skipped)
        buffer.count -= skipped
    }

    private func completeLastLine(_ end: Int, _ buffer: inout GrowableBuffer) throws(ConfigurationError) {
        var end = end
        var isComplete = buffer.count > 0 && (buffer.pointer + buffer.count - 1).load(as: UInt8.self) == 10
        let limit = buffer.count + FileScoringOptions.lineBytesMax + 1
        while !isComplete, end < size, buffer.count < limit {
            let count = min(64 << 10, size - end, limit - buffer.count)
            let place = buffer.count
            try append(end, count, to: &buffer)
            end += count
            if let found = memchr(buffer.pointer + place, 10, count) {
                buffer.count = buffer.pointer.distance(to: found) + 1
                isComplete = true
            }
        }
        if !isComplete { buffer.append(byte: 10) }
    }

    /// Appends `count` bytes from `offset` on, which must be there.
    private func append(
        _ offset: Int, _ count: Int, to buffer: inout GrowableBuffer
    ) throws(ConfigurationError) {
        buffer.reserve(buffer.count + count + 1)
        var done = 0
        while done < count {
            let got = pread(descriptor, buffer.pointer + buffer.count, count - done, off_t(offset + done))
            if got < 0 && errno == EINTR { continue }
            guard got > 0 else {
                let reason = got == 0 ? "has become shorter" : FileBytes.reason(errno)
                throw ConfigurationError(source: path, message: "cannot be read: \(reason)")
            }
            buffer.count += got
            done += got
        }
    }

    /// The first line, without its break and a byte order mark; moves `start` behind it.
    func readHeader() throws(ConfigurationError) -> [UInt8] {
        var buffer = GrowableBuffer()
        try append(0, min(size, FileScoringOptions.lineBytesMax), to: &buffer)
        guard let found = memchr(buffer.pointer, 10, buffer.count) else {
            guard buffer.count < FileScoringOptions.lineBytesMax, buffer.count > 0 else {
                throw ConfigurationError(
                    source: path, line: 1,
                    message: buffer.count == 0 ? "expected a line of column names, the file is empty" : "is too long")
            }
            start = size
            return Self.header(buffer.bytes)
        }
        let count = buffer.pointer.distance(to: found)
        start = count + 1
        return Self.header(UnsafeRawBufferPointer(start: buffer.pointer, count: count))
    }

    private static func header(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var line = Array(bytes)
        if line.starts(with: byteOrderMark) { line.removeFirst(3) }
        if line.last == 13 { line.removeLast() }
        return line
    }

    private static let byteOrderMark: [UInt8] = [0xef, 0xbb, 0xbf]

    /// Moves `start` behind a byte order mark, for files without a header.
    func skipByteOrderMark() throws(ConfigurationError) {
        var buffer = GrowableBuffer()
        try append(0, min(size, 3), to: &buffer)
        if buffer.bytes.elementsEqual(Self.byteOrderMark) { start = 3 }
    }
}

// SAFETY: written before the threads start; pread keeps no position.
extension InputFile: @unchecked Sendable {}
