// A record of the access log as text: one JSON object and a newline.
//
//     {"time":"2026-11-21T09:50:01.123456Z","client":"127.0.0.1","port":50112,"name":"spiffe://…","protocol":"h2",
//      "tls":true,"method":"POST","target":"/v2/…","status":200,"request_bytes":338,"response_bytes":190,"duration_us":41,
//      "traceparent":"00-…"}

import Glibc
import HTTP
import Primitives

enum AccessLine {
    /// Appends the line. `clockOffset`: what the wall clock is ahead of the reactors'.
    static func write(_ record: UnsafeRawPointer, clockOffset: Int64, into text: inout GrowableBuffer) {
        let head = record.load(as: HTTPAccessHead.self)
        var place = record + HTTPAccessHead.byteCount
        func next(_ count: Int) -> UnsafeRawBufferPointer {
            defer { place += count }
            return UnsafeRawBufferPointer(start: place, count: count)
        }
        let (trace, name) = (next(Int(head.traceCount)), next(Int(head.nameCount)))
        let target = next(Int(head.targetCount))
        text.append(#"{"time":""#)
        writeTime(Int64(head.at) + clockOffset, into: &text)
        text.append(#"","client":""#)
        head.address.write(into: &text)
        number(#"","port":"#, Int(head.address.port), into: &text)
        if !name.isEmpty { string(#","name":""#, name, into: &text) }
        text.append(head.isHTTP2 ? #","protocol":"h2""# : #","protocol":"http/1.1""#)
        text.append(head.isSecure ? #","tls":true,"method":""# : #","tls":false,"method":""#)
        text.append(methodName(head.method))
        string(#"","target":""#, target, into: &text)
        number(#","status":"#, Int(head.status), into: &text)
        number(#","request_bytes":"#, head.requestBytes, into: &text)
        number(#","response_bytes":"#, head.responseBytes, into: &text)
        number(#","duration_us":"#, Int(head.nanos / 1000), into: &text)
        if !trace.isEmpty { string(#","traceparent":""#, trace, into: &text) }
        text.append("}\n")
    }

    private static func number(_ key: StaticString, _ value: Int, into text: inout GrowableBuffer) {
        text.append(key)
        text.reserve(text.count + 20)
        text.count += Decimal.write(value, to: text.pointer + text.count)
    }

    /// A string with its closing quote; bytes that are not printable ASCII become escapes, so that a line is always UTF-8.
    private static func string(
        _ key: StaticString, _ bytes: UnsafeRawBufferPointer, into text: inout GrowableBuffer
    ) {
        text.append(key)
        for byte in bytes {
            switch byte {
            case 0x22, 0x5C:
                text.append(byte: 0x5C)
                text.append(byte: byte)
            case 0x20...0x7E: text.append(byte: byte)
            default:
                text.append(#"\u00"#)
                text.append(byte: hexadecimal(byte >> 4))
                text.append(byte: hexadecimal(byte & 15))
            }
        }
        text.append("\"")
    }

    private static func hexadecimal(_ digit: UInt8) -> UInt8 { digit < 10 ? 48 + digit : 87 + digit }

    /// RFC 3339 in UTC, with microseconds.
    private static func writeTime(_ nanos: Int64, into text: inout GrowableBuffer) {
        var second = time_t(nanos / 1_000_000_000)
        var parts = tm()
        gmtime_r(&second, &parts)
        text.reserve(text.count + 32)
        let place = (text.pointer + text.count).assumingMemoryBound(to: CChar.self)
        text.count += strftime(place, 32, "%Y-%m-%dT%H:%M:%S.", &parts)
        var micros = Int(nanos % 1_000_000_000 / 1000)
        for digit in (0..<6).reversed() {
            text.pointer.storeBytes(of: UInt8(48 + micros % 10), toByteOffset: text.count + digit, as: UInt8.self)
            micros /= 10
        }
        text.count += 6
        text.append("Z")
    }

    private static func methodName(_ method: HTTPMethod) -> StaticString {
        switch method {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .other: "other"
        }
    }
}
