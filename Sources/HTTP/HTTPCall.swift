// What gRPC adds to a request: the header fields somebody reads, and how far its answer is.
//
//     unary      receiving ──► ready ──► respondCall or refuseCall ──► answered
//     streaming  receiving / ready ──► openCall ──► sendMessages … ──► endCall ──► answered

public import GRPC

public struct HTTPCall {
    /// The content type is gRPC's with protobuf.
    public internal(set) var isCall = false
    /// How compressed messages of the request are compressed.
    public internal(set) var encoding = MessageEncoding.identity
    /// The client reads gzip.
    public internal(set) var acceptsGzip = false
    /// The request ended in trailers, which gRPC does not have.
    public internal(set) var hasTrailers = false

    /// The answer's header fields are out or on their way.
    public internal(set) var isOpen = false
    /// All messages are in `responseBody`: trailers follow them.
    var isEnding = false
    /// libnghttp2 waits to be told that there is more.
    var isDeferred = false
    var code = GRPCStatus.Code.ok
    /// Of the bytes in `trailers`, those of the message; the details follow.
    var messageCount = 0

    init() {}

    /// `application/grpc` or `application/grpc+proto`, with or without parameters (RFC 9110, 8.3.1).
    static func isCall(contentType value: UnsafeRawBufferPointer) -> Bool {
        let name: StaticString = "application/grpc"
        let count = name.utf8CodeUnitCount
        if let base = value.baseAddress, ASCII.equals(base, value.count, name) { return true }
        guard value.count >= count,
            ASCII.equalsIgnoringCase(UnsafeRawBufferPointer(rebasing: value[..<count]), name)
        else { return false }
        var rest = UnsafeRawBufferPointer(rebasing: value[count...])
        if rest.count >= 6, ASCII.equalsIgnoringCase(UnsafeRawBufferPointer(rebasing: rest[..<6]), "+proto") {
            rest = UnsafeRawBufferPointer(rebasing: rest[6...])
        }
        return rest.isEmpty || rest[0] == 0x3b || rest[0] == 0x20
    }

    static func encoding(_ value: UnsafeRawBufferPointer) -> MessageEncoding {
        if ASCII.equalsIgnoringCase(value, "identity") { return .identity }
        return ASCII.equalsIgnoringCase(value, "gzip") ? .gzip : .unknown
    }

    /// Whether a list with commas holds `gzip`.
    static func listsGzip(_ value: UnsafeRawBufferPointer) -> Bool {
        var start = 0
        while start < value.count {
            var end = start
            while end < value.count, value[end] != 0x2c { end += 1 }
            var first = start
            var last = end
            while first < last, value[first] == 0x20 { first += 1 }
            while last > first, value[last - 1] == 0x20 { last -= 1 }
            if ASCII.equalsIgnoringCase(UnsafeRawBufferPointer(rebasing: value[first..<last]), "gzip") { return true }
            start = end + 1
        }
        return false
    }
}

extension HTTPStream {
    /// The connection takes nothing new: answers that never end by themselves are to be ended.
    public var isDraining: Bool { connection.pointee.isDraining }
}
