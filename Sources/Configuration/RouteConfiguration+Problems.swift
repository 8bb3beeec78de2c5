// What is wrong with a route by itself, before anybody looks at what is loaded.

extension RouteConfiguration {
    public static let armsMax = 8
    public static let shadowsMax = 4
    public static let segmentsMax = 64
    public static let valuesMax = 1024
    public static let labelsMax = 64

    /// The first thing wrong: where, and a sentence; nil: it is well formed.
    public func problem() -> (field: String, message: String)? {
        for version in versions where ModelIdentifier.versionNumber(version) == nil {
            return ("route", "\(quoted(version)) is not a version: \(ModelIdentifier.versionExpectation)")
        }
        if sharedMillionths > 1_000_000 {
            return ("arms", "canary and arms add up to \(Share(millionths: sharedMillionths).percent) %, above 100")
        }
        return armProblem() ?? segmentProblem() ?? labelProblem() ?? keyProblem()
    }

    private func armProblem() -> (field: String, message: String)? {
        if arms.count > Self.armsMax { return ("arms", "has \(arms.count) arms, at most \(Self.armsMax) are allowed") }
        if shadow.count > Self.shadowsMax {
            return ("shadow", "has \(shadow.count) shadows, at most \(Self.shadowsMax) are allowed")
        }
        let reserved = ["stable", "canary", "override", "segment", "pinned"]
        for (index, arm) in arms.enumerated() {
            if !ModelIdentifier.isName(arm.name) {
                return ("arms[\(index)].name", "expected \(ModelIdentifier.nameExpectation)")
            }
            if reserved.contains(arm.name) { return ("arms[\(index)].name", "\(arm.name) is an arm of its own") }
            if arms[..<index].contains(where: { $0.name == arm.name }) {
                return ("arms[\(index)].name", "\(arm.name) stands twice")
            }
        }
        if canary != nil || !arms.isEmpty, stable == nil {
            return ("stable", "must be named where a canary or arms are: the rest of the traffic goes there")
        }
        return nil
    }

    private func segmentProblem() -> (field: String, message: String)? {
        if segments.count > Self.segmentsMax {
            return ("segments", "has \(segments.count) segments, at most \(Self.segmentsMax) are allowed")
        }
        for (index, segment) in segments.enumerated() {
            if !ModelIdentifier.isName(segment.name) {
                return ("segments[\(index)].name", "expected \(ModelIdentifier.nameExpectation)")
            }
            if segments[..<index].contains(where: { $0.name == segment.name }) {
                return ("segments[\(index)].name", "\(segment.name) stands twice")
            }
            if segment.values.isEmpty || segment.values.count > Self.valuesMax {
                return ("segments[\(index)].when.in", "expected 1 to \(Self.valuesMax) values")
            }
        }
        return nil
    }

    private func labelProblem() -> (field: String, message: String)? {
        if labels.count > Self.labelsMax { return ("labels", "has more than \(Self.labelsMax) labels") }
        for name in labels.keys.sorted() where !ModelIdentifier.isName(name) {
            return ("labels", "a label's name is \(ModelIdentifier.nameExpectation)")
        }
        return nil
    }

    private func keyProblem() -> (field: String, message: String)? {
        let keys = [sticky.map { ("sticky", $0.key) }].compactMap { $0 } + segments.map { ("segments", $0.key) }
        for (field, key) in keys {
            guard case .header(let name) = key else { continue }
            if !Self.isHeader(name) { return (field, "a header's name is 1 to 63 letters, digits and dashes") }
            if Self.ownHeaders.contains(name) { return (field, "\(name) is a header that the gateway reads itself") }
        }
        if let salt = sticky?.salt, salt.utf8.count > 256 { return ("sticky.salt", "is longer than 256 bytes") }
        return nil
    }

    private static func isHeader(_ name: String) -> Bool {
        1...63 ~= name.utf8.count
            && name.utf8.allSatisfy { byte in
                (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2d
            }
    }

    /// Fields whose values the front end takes for itself, so that no route sees them.
    private static let ownHeaders = [
        "host", "traceparent", "content-type", "content-length", "content-encoding", "accept-encoding", "grpc-timeout",
        "grpc-encoding", "grpc-accept-encoding", "serin-timeout-ms", "serin-fallback",
        "inference-header-content-length", "connection",
        "transfer-encoding",
    ]
}
