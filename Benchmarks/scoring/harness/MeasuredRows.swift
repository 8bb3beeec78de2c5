// The rows of a model, and the trainer's answers to them: rows.f32 and answers.f64 of its folder.

import Glibc

/// SAFETY: `values` is written by the initializer and only read afterwards; it is never freed, as the
/// process ends with it.
struct MeasuredRows: @unchecked Sendable {
    /// [count][width], NaN missing, on a page boundary.
    let values: UnsafePointer<Float>
    let count: Int
    let width: Int
    let answers: [Double]

    init(folder: String, width: Int) throws {
        let rows = try Self.read("\(folder)/rows.f32")
        let answers = try Self.read("\(folder)/answers.f64")
        self.width = width
        count = answers.count / MemoryLayout<Double>.stride
        guard count > 0, rows.count == count * width * MemoryLayout<Float>.stride else {
            throw Failure("\(folder): rows.f32 and answers.f64 do not fit together")
        }
        values = UnsafePointer(rows.baseAddress!.assumingMemoryBound(to: Float.self))
        self.answers = [Double](UnsafeRawBufferPointer(answers).bindMemory(to: Double.self))
    }

    private static func read(_ path: String) throws -> UnsafeMutableRawBufferPointer {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure("\(path): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Failure("\(path): \(String(cString: strerror(errno)))") }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(status.st_size), alignment: 4096)
        var filled = 0
        while filled < buffer.count {
            let got = Glibc.read(descriptor, buffer.baseAddress! + filled, buffer.count - filled)
            guard got > 0 else { throw Failure("\(path): cannot be read") }
            filled += got
        }
        return buffer
    }
}

/// What keeps a measurement from being taken.
struct Failure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}
