// Whether an answer holds the scores that the version which says it answered should give.

internal import GRPC
internal import JSON
internal import Registry

struct AnswerCheck: ~Copyable {
    enum Outcome { case right, wrong, unread }

    private let api: TrafficClass.API
    private let bodies: [RequestBodies.Body]
    private let scores: [String: [[Double]]]
    private let bundles: [String: LoadedBundle]
    private var parser = JSONParser(maxBytes: 16 << 20)
    private var values: [Double] = []

    init(_ api: TrafficClass.API, _ bodies: [RequestBodies.Body], _ source: RowSource) {
        (self.api, self.bodies) = (api, bodies)
        (scores, bundles) = (source.scores, source.bundles)
    }

    /// - Parameters:
    ///   - answer: the body; 64 bytes behind it are readable.
    ///   - version: what the answer says; one that the repository does not hold is wrong.
    mutating func check(_ answer: UnsafeRawBufferPointer, request: Int, version: String) -> Outcome {
        guard request < bodies.count else { return .unread }
        guard let wanted = scores[version], let bundle = bundles[version] else { return .wrong }
        values.removeAll(keepingCapacity: true)
        let isRead = api == .grpc ? readMessage(answer) : readJSON(answer)
        guard isRead else { return .wrong }
        var place = 0
        for row in bodies[request].rows {
            for score in wanted[row] {
                guard place < values.count, bundle.agree(values[place], score) else { return .wrong }
                place += 1
            }
        }
        return place == values.count ? .right : .wrong
    }

    private mutating func readJSON(_ answer: UnsafeRawBufferPointer) -> Bool {
        guard let root = try? parser.parse(padded: answer) else { return false }
        if api == .v1 {
            guard let predictions = root["predictions"] else { return false }
            return collect(predictions, depth: 0)
        }
        guard let outputs = root["outputs"]?.asArray, let first = outputs.first(where: { _ in true }),
            let data = first["data"]
        else { return false }
        return collect(data, depth: 0)
    }

    /// The numbers of nested arrays, in order.
    private mutating func collect(_ value: JSONValue, depth: Int) -> Bool {
        if let number = value.asDouble {
            values.append(number)
            return true
        }
        guard depth < 4, let array = value.asArray else { return false }
        for element in array where !collect(element, depth: depth + 1) { return false }
        return true
    }

    /// A ModelInferResponse behind gRPC's prefix: its first output, raw.
    private mutating func readMessage(_ answer: UnsafeRawBufferPointer) -> Bool {
        guard answer.count >= 5, answer[0] == 0 else { return false }
        var fields = ProtobufReader(UnsafeRawBufferPointer(rebasing: answer[5...]))
        var (isDouble, raw): (Bool?, UnsafeRawBufferPointer?) = (nil, nil)
        while fields.next() {
            if fields.number == 5, isDouble == nil {
                var output = ProtobufReader(fields.bytes)
                while output.next() {
                    if output.number == 2 { isDouble = String(decoding: output.bytes, as: UTF8.self) == "FP64" }
                }
            } else if fields.number == 6, raw == nil {
                raw = fields.bytes
            }
        }
        guard !fields.isMalformed, let isDouble, let raw else { return false }
        let size = isDouble ? 8 : 4
        guard raw.count % size == 0 else { return false }
        for offset in stride(from: 0, to: raw.count, by: size) {
            values.append(
                isDouble
                    ? Double(
                        bitPattern: UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
                    : Double(
                        Float(
                            bitPattern: UInt32(
                                littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))))
        }
        return true
    }
}
