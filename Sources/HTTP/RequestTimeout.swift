// How long a client still wants to wait, as its header fields say it.
//
//     serin-timeout-ms: 12.5      milliseconds, at most six digits behind the point
//     grpc-timeout: 12500u        1 to 8 digits and a unit (gRPC over HTTP/2, "Timeout")
//
// What the client writes is a span; counted from the arrival of the request's first bytes it becomes
// a deadline. A stream keeps the smallest of the spans it was given.

public enum RequestTimeout {
    /// No span was given.
    public static let none = UInt64.max
    /// Longer ones are cut to this: 146 years.
    public static let longest = UInt64.max >> 2

    /// Nanoseconds of `serin-timeout-ms`: digits, perhaps a point and more digits; nil: something else.
    /// Nine digits of milliseconds are 11 days, longer than any deadline is kept.
    public static func millis(_ text: UnsafeRawBufferPointer) -> UInt64? {
        let point = text.firstIndex(of: UInt8(ascii: ".")) ?? text.count
        guard let whole = decimal(text[..<point], countMax: 9) else { return nil }
        guard point < text.count else { return whole * 1_000_000 }
        let digits = text[(point + 1)...]
        guard var fraction = decimal(digits, countMax: 6) else { return nil }
        for _ in digits.count..<6 { fraction *= 10 }
        return whole * 1_000_000 + fraction
    }

    /// Nanoseconds of `grpc-timeout`: 1 to 8 digits and one of H, M, S, m, u, n; nil: something else.
    public static func grpc(_ text: UnsafeRawBufferPointer) -> UInt64? {
        guard let unit = text.last, let count = decimal(text.dropLast(), countMax: 8) else { return nil }
        switch unit {
        case UInt8(ascii: "n"): return count
        case UInt8(ascii: "u"): return count * 1000
        case UInt8(ascii: "m"): return count * 1_000_000
        case UInt8(ascii: "S"): return count * 1_000_000_000
        case UInt8(ascii: "M"): return count * 60_000_000_000
        case UInt8(ascii: "H"): return count < longest / 3_600_000_000_000 ? count * 3_600_000_000_000 : longest
        default: return nil
        }
    }

    /// 1 to `countMax` digits; at most nine, so that no product above overflows where it is not looked at.
    private static func decimal(_ digits: Slice<UnsafeRawBufferPointer>, countMax: Int) -> UInt64? {
        guard 1...countMax ~= digits.count else { return nil }
        var value: UInt64 = 0
        for byte in digits {
            guard 48...57 ~= byte else { return nil }
            value = value * 10 + UInt64(byte - 48)
        }
        return value
    }
}

extension HTTPHead {
    /// Takes a `serin-timeout-ms` or `grpc-timeout` field; the smallest span wins.
    static func setTimeout(_ stream: UnsafeMutablePointer<HTTPStream>, _ nanos: UInt64?, else fault: HTTPFieldFault) {
        guard let nanos else {
            stream.pointee.fault = fault
            return
        }
        stream.pointee.timeoutNanos = min(stream.pointee.timeoutNanos, nanos)
    }
}
