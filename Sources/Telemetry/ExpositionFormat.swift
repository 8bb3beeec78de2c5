// The two text formats of a scrape, and which of them the scraper asks for.
//
//     text/plain; version=0.0.4                 what everything reads; the default
//     application/openmetrics-text; 1.0.0       units, exemplars, an end that is seen; for those that name it

public enum ExpositionFormat: Sendable {
    case prometheus, openMetrics

    public var contentType: StaticString {
        switch self {
        case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }

    /// By the value of `accept` (RFC 9110, 12.5.1): OpenMetrics where it is named and nothing else is liked better.
    public init(accept: UnsafeRawBufferPointer?) {
        self = .prometheus
        guard let accept else { return }
        var (openMetrics, plain) = (0.0, 0.0)
        for range in String(decoding: accept, as: UTF8.self).split(separator: ",") {
            let parts = range.split(separator: ";").map { Self.trimmed($0).lowercased() }
            guard let type = parts.first else { continue }
            let parameters = parts.dropFirst().map { $0.split(separator: "=").map { Self.trimmed($0) } }
            let quality = parameters.first { $0.first == "q" }.map { $0.count == 2 ? Double($0[1]) ?? 0 : 0 } ?? 1
            let version = parameters.first { $0.first == "version" }?.last
            switch type {
            case "application/openmetrics-text" where [nil, "1.0.0", "0.0.1"].contains(version):
                openMetrics = max(openMetrics, quality)
            case "text/plain", "text/*", "*/*": plain = max(plain, quality)
            default: continue
            }
        }
        if openMetrics > 0, openMetrics >= plain { self = .openMetrics }
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return String(text)
    }
}
