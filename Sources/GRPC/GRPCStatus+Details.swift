// The status as a google.rpc.Status, for `grpc-status-details-bin`.
//
//     Status { code = 1, message = 2, details = 3: Any { type_url = 1, value = 2 } }
//     BadRequest { field_violations = 1 { field = 1, description = 2 } }      INVALID_ARGUMENT
//     RetryInfo { retry_delay = 1: Duration { seconds = 1 } }                 UNAVAILABLE, RESOURCE_EXHAUSTED

extension GRPCStatus {
    /// When a client that was turned away may come back; the same second as HTTP's `retry-after`.
    static let retrySeconds: Int64 = 1

    /// base64 without padding, as gRPC writes binary metadata.
    public var encodedDetails: [UInt8] {
        var status = ProtobufWriter()
        status.field(1, UInt64(code.rawValue))
        status.field(2, message)
        switch code {
        case .invalidArgument:
            if let field { status.message(3) { Self.badRequest(field, &$0) } }
        case .unavailable, .resourceExhausted: status.message(3, Self.retryInfo)
        default: break
        }
        return Self.base64(status.bytes)
    }

    /// The field that the message begins with: `inputs[0].shape: expected …`.
    var field: (name: String, description: String)? {
        guard let colon = message.utf8.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        let name = message.utf8[..<colon]
        let rest = message.utf8[colon...].dropFirst()
        guard rest.first == UInt8(ascii: " "), (1...128).contains(name.count), name.allSatisfy(Self.isOfAPath) else {
            return nil
        }
        return (String(Substring(name)), String(Substring(rest.dropFirst())))
    }

    private static func isOfAPath(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122: true
        case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "["), UInt8(ascii: "]"): true
        default: false
        }
    }

    private static func badRequest(_ field: (name: String, description: String), _ any: inout ProtobufWriter) {
        any.field(1, "type.googleapis.com/google.rpc.BadRequest")
        any.message(2) { request in
            request.message(1) { violation in
                violation.field(1, field.name)
                violation.field(2, field.description)
            }
        }
    }

    private static func retryInfo(_ any: inout ProtobufWriter) {
        any.field(1, "type.googleapis.com/google.rpc.RetryInfo")
        any.message(2) { info in info.message(1) { $0.field(1, retrySeconds) } }
    }

    static func base64(_ bytes: [UInt8]) -> [UInt8] {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var result: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var word: UInt32 = 0
            for byte in group { word = word << 8 | UInt32(byte) }
            word <<= UInt32(8 * (3 - group.count))
            for place in 0...group.count { result.append(alphabet[Int(word >> UInt32(18 - 6 * place) & 63)]) }
        }
        return result
    }
}
