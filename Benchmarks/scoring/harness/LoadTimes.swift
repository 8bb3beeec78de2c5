// What a model costs before it scores: from source to image, and from a cached image.

import CPeers
import Execution
import Glibc
import ModelFormat

enum LoadTimes {
    private static let repetitions = 7

    /// Milliseconds from the source file to an image that scores, and from a cached image.
    static func measure(_ bench: ModelBench, cache: String) throws -> [ModelReport.Extra] {
        let source = "\(bench.folder)/\(bench.model.source)"
        let image = "\(bench.folder)/image.serin"
        let model = try CompiledModel.compile(ModelImporter.importModel(path: source).model)
        try write(model.image, to: image)
        let compile = try median {
            _ = try CompiledModel.compile(ModelImporter.importModel(path: source).model)
        }
        let load = try median {
            let bytes = try read(image)
            defer { bytes.deallocate() }
            _ = try CompiledModel(image: UnsafeRawBufferPointer(bytes))
        }
        let name = bench.model.name
        return [
            .init(
                title: "source to image", value: compile, unit: "ms",
                limit: Goals.compileMillis[name].map { .atMost($0) }),
            .init(
                title: "cached image loaded", value: load, unit: "ms",
                limit: Goals.cachedLoadMillis[name].map { .atMost($0) }),
            .init(title: "image", value: Double(model.imageBytes) / 1_024, unit: "KiB", limit: nil),
        ]
    }

    private static func median(_ work: () throws -> Void) rethrows -> Double {
        var millis: [Double] = []
        for _ in 0..<repetitions {
            let begin = peer_clock_nanos()
            try work()
            millis.append(Double(peer_clock_nanos() - begin) / 1e6)
        }
        return Statistics.median(millis)
    }

    private static func write(_ bytes: [UInt8], to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Failure("\(path): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        var done = 0
        while done < bytes.count {
            let wrote = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + done, $0.count - done) }
            guard wrote > 0 else { throw Failure("\(path): cannot be written") }
            done += wrote
        }
    }

    private static func read(_ path: String) throws -> UnsafeMutableRawBufferPointer {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure("\(path): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        var status = stat()
        fstat(descriptor, &status)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(status.st_size), alignment: 64)
        var filled = 0
        while filled < buffer.count {
            let got = Glibc.read(descriptor, buffer.baseAddress! + filled, buffer.count - filled)
            guard got > 0 else { throw Failure("\(path): cannot be read") }
            filled += got
        }
        return buffer
    }
}
