// http-parser's callbacks: they gather a head's fields and a body's bytes into the stream.
//
// The parser's `data` is the `HTTPConnection`. A callback that returns a value other than 0 stops the parser.

import CHTTPParser
import Primitives

enum HTTP1Callbacks {
    static var settings: http_parser_settings {
        var settings = http_parser_settings()
        http_parser_settings_init(&settings)
        settings.on_url = { parser, bytes, count in
            HTTP1Callbacks.connection(parser).pointee.http1.target.append(bytes.unsafelyUnwrapped, count)
            return 0
        }
        settings.on_header_field = { parser, bytes, count in
            HTTP1Callbacks.fieldName(HTTP1Callbacks.connection(parser), bytes.unsafelyUnwrapped, count)
        }
        settings.on_header_value = { parser, bytes, count in
            let connection = HTTP1Callbacks.connection(parser)
            connection.pointee.http1.isInValue = true
            connection.pointee.http1.value.append(bytes.unsafelyUnwrapped, count)
            return 0
        }
        settings.on_headers_complete = { parser in
            HTTP1Callbacks.headersComplete(HTTP1Callbacks.connection(parser))
        }
        settings.on_body = { parser, bytes, count in
            HTTP1Callbacks.body(HTTP1Callbacks.connection(parser), bytes.unsafelyUnwrapped, count)
        }
        settings.on_message_complete = { parser in
            HTTP1Callbacks.connection(parser).pointee.http1.messageEnded = true
            // The bytes behind this request belong to the next one.
            http_parser_pause(parser, 1)
            return 0
        }
        return settings
    }

    private static func connection(_ parser: UnsafeMutablePointer<http_parser>?) -> UnsafeMutablePointer<HTTPConnection>
    {
        parser.unsafelyUnwrapped.pointee.data.assumingMemoryBound(to: HTTPConnection.self)
    }

    private static func fieldName(
        _ connection: UnsafeMutablePointer<HTTPConnection>, _ bytes: UnsafePointer<CChar>, _ count: Int
    ) -> Int32 {
        if connection.pointee.http1.isInValue { endField(connection) }
        if let stream = connection.pointee.http1.stream { takeTarget(connection, stream) }
        for index in 0..<count {
            connection.pointee.http1.name.append(byte: ASCII.lowercased(UInt8(bitPattern: bytes[index])))
        }
        return 0
    }

    /// A field is whole: hand it on.
    private static func endField(_ connection: UnsafeMutablePointer<HTTPConnection>) {
        let name = UnsafeRawPointer(connection.pointee.http1.name.pointer)
        let count = connection.pointee.http1.name.count
        var value = connection.pointee.http1.value.bytes
        while let last = value.last, last == 32 || last == 9 {
            value = UnsafeRawBufferPointer(rebasing: value.dropLast())
        }
        if let stream = connection.pointee.http1.stream, connection.pointee.http1.phase == .body,
            !connection.pointee.http1.messageEnded
        {
            if ASCII.equals(name, count, "expect") { expect(connection, stream, value) }
            HTTPHead.field(stream, name.assumingMemoryBound(to: UInt8.self), count, value)
        }
        connection.pointee.http1.name.count = 0
        connection.pointee.http1.value.count = 0
        connection.pointee.http1.isInValue = false
    }

    private static func expect(
        _ connection: UnsafeMutablePointer<HTTPConnection>, _ stream: UnsafeMutablePointer<HTTPStream>,
        _ value: UnsafeRawBufferPointer
    ) {
        if ASCII.equalsIgnoringCase(value, "100-continue") {
            connection.pointee.http1.owesContinue = true
        } else {
            stream.pointee.fault = .expectation
        }
    }

    private static func headersComplete(_ connection: UnsafeMutablePointer<HTTPConnection>) -> Int32 {
        guard let stream = connection.pointee.http1.stream else { return 0 }
        takeTarget(connection, stream)
        if connection.pointee.http1.isInValue { endField(connection) }
        stream.pointee.method = method(connection.pointee.http1.parser)
        // An offer to speak another protocol is not taken up.
        connection.pointee.http1.parser.upgrade = 0
        let parser = connection.pointee.http1.parser
        if parser.http_major != 1 {
            stream.pointee.fault = .version
        }
        if stream.pointee.method == .other, parser.method == HTTP_CONNECT.rawValue {
            stream.pointee.fault = .connect
        }
        return 0
    }

    /// The target stands first in the stream's `head`: it goes in before the first field.
    private static func takeTarget(
        _ connection: UnsafeMutablePointer<HTTPConnection>, _ stream: UnsafeMutablePointer<HTTPStream>
    ) {
        if stream.pointee.pathCount == 0 { HTTPHead.setTarget(stream, connection.pointee.http1.target.bytes) }
    }

    private static func method(_ parser: http_parser) -> HTTPMethod {
        switch parser.method {
        case HTTP_GET.rawValue: .get
        case HTTP_HEAD.rawValue: .head
        case HTTP_POST.rawValue: .post
        case HTTP_PUT.rawValue: .put
        case HTTP_DELETE.rawValue: .delete
        case HTTP_OPTIONS.rawValue: .options
        default: .other
        }
    }

    private static func body(
        _ connection: UnsafeMutablePointer<HTTPConnection>, _ bytes: UnsafePointer<CChar>, _ count: Int
    ) -> Int32 {
        guard let stream = connection.pointee.http1.stream, stream.pointee.phase == .receiving else { return 0 }
        let engine = Unmanaged<HTTPEngine>.fromOpaque(connection.pointee.engine.unsafelyUnwrapped)
        engine._withUnsafeGuaranteedRef { $0.take(stream, bytes, count) }
        return 0
    }

    /// What a parse error means to the client.
    static func fault(_ error: http_errno, _ parser: http_parser) -> HTTPFault {
        switch error {
        case HPE_HEADER_OVERFLOW: HTTPFault(431, "the header fields are too large")
        case HPE_INVALID_VERSION: HTTPFault(505, "the request line's version is not HTTP/1.0 or HTTP/1.1")
        case HPE_INVALID_METHOD: HTTPFault(501, "the request line's method is not known")
        case HPE_INVALID_CONTENT_LENGTH: HTTPFault(400, "content-length: expected one whole number")
        case HPE_UNEXPECTED_CONTENT_LENGTH:
            HTTPFault(400, "content-length and transfer-encoding: only one of them may be given")
        case HPE_INVALID_TRANSFER_ENCODING: HTTPFault(400, "transfer-encoding: only chunked is known")
        case HPE_INVALID_CHUNK_SIZE: HTTPFault(400, "a chunk's size is not a hexadecimal number")
        default: HTTPFault(400, "the request is not HTTP/1.1: \(String(cString: http_errno_description(error)))")
        }
    }
}
