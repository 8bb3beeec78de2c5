// http-parser's callbacks: they gather a head's fields into the stream. `HTTP1Head` has checked it before.
//
// The parser's `data` is the `HTTPConnection`. A callback that returns a value other than 0 stops the parser.

import CHTTPParser
import Primitives

enum HTTP1Callbacks {
    static var settings: http_parser_settings {
        var settings = http_parser_settings()
        http_parser_settings_init(&settings)
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
        if let stream = connection.pointee.http1.stream {
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
            connection.pointee.http1.owesContinue = !stream.pointee.isVersion10
        } else {
            stream.pointee.fault = .expectation
        }
    }

    private static func headersComplete(_ connection: UnsafeMutablePointer<HTTPConnection>) -> Int32 {
        guard let stream = connection.pointee.http1.stream else { return 0 }
        if connection.pointee.http1.isInValue { endField(connection) }
        stream.pointee.method = method(connection.pointee.http1.parser)
        // An offer to speak another protocol is not taken up.
        connection.pointee.http1.parser.upgrade = 0
        if connection.pointee.http1.parser.method == HTTP_CONNECT.rawValue {
            stream.pointee.fault = .connect
        }
        return 0
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

    /// What http-parser does not take of a head that `HTTP1Head` does: methods it has no number for.
    static func fault(_ error: http_errno) -> HTTPFault {
        if error == HPE_INVALID_METHOD { return HTTPFault(501, "the request line's method is not known") }
        return HTTPFault(400, "the request is not HTTP/1.1: \(String(cString: http_errno_description(error)))")
    }
}
