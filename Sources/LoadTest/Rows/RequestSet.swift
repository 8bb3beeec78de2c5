// All requests of one class, written before the run: heads as nghttp2 and as HTTP/1.1 want them, bodies, sticky keys.
//
// While the run goes on, a request is two indices (which request, which key) and nothing is written twice.  The memory
// stays where it is until the set is gone, so nghttp2 is told to copy no names and no values.

internal import CNghttp2
internal import Configuration
internal import Primitives

final class RequestSet {
    struct Prepared {
        var body: UnsafeRawBufferPointer
        /// HTTP/2's fields; the last is for the key where the class has one.
        var fields: UnsafeMutablePointer<nghttp2_nv>
        var fieldCount: Int
        /// HTTP/1.1's head up to the key's field, without the empty line.
        var head: UnsafeRawBufferPointer
    }

    private(set) var prepared: [Prepared] = []
    /// How many of them carry rows of the class; recorded bodies follow.
    private(set) var rowCount = 0
    private(set) var keys: [UnsafeRawBufferPointer] = []
    let hasKeys: Bool
    /// `serin-key: ` for HTTP/1.1.
    let keyField: [UInt8]
    private let entry: TrafficClass
    private let target: Target
    private var memory: [UnsafeMutableRawPointer] = []
    private var fieldMemory: [UnsafeMutablePointer<nghttp2_nv>] = []

    init(_ entry: TrafficClass, _ target: Target, bodies: [RequestBodies.Body], recordings: [Recording]) {
        (self.entry, self.target) = (entry, target)
        hasKeys = entry.keys != nil || recordings.contains { $0.entries.contains { $0.key != nil } }
        keyField = Array("\(entry.keys?.header ?? TrafficClass.Keys.headerDefault): ".utf8)
        if case .body(let text) = entry.rows {
            add(Array(text.utf8))
        } else {
            var known: [[UInt8]: Int] = [:]
            for body in bodies {
                if let twin = known[body.bytes] {
                    prepared.append(prepared[twin])
                } else {
                    known[body.bytes] = prepared.count
                    add(body.bytes)
                }
            }
        }
        rowCount = prepared.count
        for index in 0..<(entry.keys?.distinct ?? 0) { keys.append(store(Array("key-\(index)".utf8))) }
    }

    deinit {
        for pointer in memory { pointer.deallocate() }
        for pointer in fieldMemory { pointer.deallocate() }
    }

    /// A recorded body; its index.
    func add(body: String) -> Int {
        add(Array(body.utf8))
        return prepared.count - 1
    }

    /// A recorded key; its index.
    func add(key: String) -> Int {
        keys.append(store(Array(key.utf8)))
        return keys.count - 1
    }

    private func store(_ bytes: [UInt8]) -> UnsafeRawBufferPointer {
        let pointer = UnsafeMutableRawPointer.allocate(byteCount: max(bytes.count, 1), alignment: 16)
        pointer.copyMemory(from: bytes, byteCount: bytes.count)
        memory.append(pointer)
        return UnsafeRawBufferPointer(start: pointer, count: bytes.count)
    }

    private var method: String { entry.api == .plain ? entry.method : "POST" }

    private var path: String {
        let version = entry.version.map { "/versions/\($0)" } ?? ""
        return switch entry.api {
        case .v1: "/v1/models/\(entry.model)\(version):predict"
        case .v2: "/v2/models/\(entry.model)\(version)/infer"
        case .grpc: "/inference.GRPCInferenceService/ModelInfer"
        case .plain: entry.path
        }
    }

    /// Fields below the pseudo-fields.
    private func headers(bodyCount: Int) -> [(String, String)] {
        var headers: [(String, String)] = []
        let deadline = entry.deadlineNanos.flatMap { TrafficClass.deadlineText($0, entry.api) }
        if entry.api == .grpc {
            headers += [("content-type", "application/grpc"), ("te", "trailers")]
            if let deadline { headers.append(("grpc-timeout", deadline)) }
        } else {
            if bodyCount > 0 || method == "POST" {
                if !entry.headers.contains(where: { $0.name == "content-type" }) {
                    headers.append(("content-type", "application/json"))
                }
                headers.append(("content-length", "\(bodyCount)"))
            }
            if let deadline { headers.append(("serin-timeout-ms", deadline)) }
        }
        return headers + entry.headers.map { ($0.name, $0.value) }
    }

    private func add(_ body: [UInt8]) {
        let headers = headers(bodyCount: body.count)
        var fields: [(String, String)] = [
            (":method", method), (":scheme", target.isSecure ? "https" : "http"), (":authority", target.authority),
            (":path", path),
        ]
        fields += headers
        if hasKeys { fields.append((entry.keys?.header ?? TrafficClass.Keys.headerDefault, "")) }
        let memory = UnsafeMutablePointer<nghttp2_nv>.allocate(capacity: fields.count)
        fieldMemory.append(memory)
        let flags = UInt8(NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue | NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue)
        for (index, (name, value)) in fields.enumerated() {
            let (name, value) = (store(Array(name.utf8)), store(Array(value.utf8)))
            (memory + index).initialize(
                to: nghttp2_nv(
                    name: UnsafeMutablePointer(mutating: name.baseAddress?.assumingMemoryBound(to: UInt8.self)),
                    value: UnsafeMutablePointer(mutating: value.baseAddress?.assumingMemoryBound(to: UInt8.self)),
                    namelen: name.count, valuelen: value.count, flags: flags))
        }
        let head =
            "\(method) \(path) HTTP/1.1\r\nhost: \(target.authority)\r\n"
            + headers.map { "\($0.0): \($0.1)\r\n" }.joined()
        prepared.append(
            Prepared(body: store(body), fields: memory, fieldCount: fields.count, head: store(Array(head.utf8))))
    }
}
