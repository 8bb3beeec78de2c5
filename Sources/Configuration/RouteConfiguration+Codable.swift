// The route as JSON, with the names that it has in YAML: what the admin plane takes and gives, and what is on disk.
//
//     {"stable":"1","canary":{"version":"2","percent":2.5},"sticky":{"header":"serin-key","salt":"text"},…}

extension RouteConfiguration: Codable {
    /// Any key, to find those that do not belong.
    fileprivate struct AnyKey: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(_ name: String) { stringValue = name }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { return nil }
    }

    fileprivate typealias Container = KeyedDecodingContainer<AnyKey>

    /// A mapping with these keys and no other.
    fileprivate static func fields(_ decoder: any Decoder, _ known: [String]) throws -> Container {
        let container = try decoder.container(keyedBy: AnyKey.self)
        for key in container.allKeys where !known.contains(key.stringValue) {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: container,
                debugDescription: "unknown key\(suggestion(for: key.stringValue, among: known)) "
                    + "(known here: \(known.joined(separator: ", ")))")
        }
        return container
    }

    public init(from decoder: any Decoder) throws {
        let fields = try Self.fields(
            decoder, ["stable", "canary", "arms", "shadow", "sticky", "segments", "labels", "override"])
        self.init(stable: try fields.decodeIfPresent(String.self, forKey: AnyKey("stable")))
        canary = try fields.decodeIfPresent(Canary.self, forKey: AnyKey("canary"))
        arms = try fields.decodeIfPresent([NamedArm].self, forKey: AnyKey("arms")) ?? []
        shadow = try fields.decodeIfPresent([Canary].self, forKey: AnyKey("shadow")) ?? []
        sticky = try fields.decodeIfPresent(Sticky.self, forKey: AnyKey("sticky"))
        segments = try fields.decodeIfPresent([Segment].self, forKey: AnyKey("segments")) ?? []
        labels = try fields.decodeIfPresent([String: String].self, forKey: AnyKey("labels")) ?? [:]
        override = try fields.decodeIfPresent(Bool.self, forKey: AnyKey("override")) ?? false
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: AnyKey.self)
        try fields.encodeIfPresent(stable, forKey: AnyKey("stable"))
        try fields.encodeIfPresent(canary, forKey: AnyKey("canary"))
        if !arms.isEmpty { try fields.encode(arms, forKey: AnyKey("arms")) }
        if !shadow.isEmpty { try fields.encode(shadow, forKey: AnyKey("shadow")) }
        try fields.encodeIfPresent(sticky, forKey: AnyKey("sticky"))
        if !segments.isEmpty { try fields.encode(segments, forKey: AnyKey("segments")) }
        if !labels.isEmpty { try fields.encode(labels, forKey: AnyKey("labels")) }
        if override { try fields.encode(override, forKey: AnyKey("override")) }
    }
}

extension RouteConfiguration.Share: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let share = Self(percent: try container.decode(Double.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "expected \(Self.expectation)")
        }
        self = share
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(percent)
    }
}

extension RouteConfiguration.Canary: Codable {
    public init(from decoder: any Decoder) throws {
        let fields = try RouteConfiguration.fields(decoder, ["version", "percent"])
        version = try fields.decode(String.self, forKey: .init("version"))
        share = try fields.decode(RouteConfiguration.Share.self, forKey: .init("percent"))
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: RouteConfiguration.AnyKey.self)
        try fields.encode(version, forKey: .init("version"))
        try fields.encode(share, forKey: .init("percent"))
    }
}

extension RouteConfiguration.NamedArm: Codable {
    public init(from decoder: any Decoder) throws {
        let fields = try RouteConfiguration.fields(decoder, ["name", "version", "percent"])
        name = try fields.decode(String.self, forKey: .init("name"))
        version = try fields.decode(String.self, forKey: .init("version"))
        share = try fields.decode(RouteConfiguration.Share.self, forKey: .init("percent"))
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: RouteConfiguration.AnyKey.self)
        try fields.encode(name, forKey: .init("name"))
        try fields.encode(version, forKey: .init("version"))
        try fields.encode(share, forKey: .init("percent"))
    }
}

extension RouteConfiguration.Key {
    fileprivate init(_ fields: KeyedDecodingContainer<RouteConfiguration.AnyKey>) throws {
        let header = try fields.decodeIfPresent(String.self, forKey: .init("header"))
        let feature = try fields.decodeIfPresent(String.self, forKey: .init("feature"))
        switch (header, feature) {
        case (let name?, nil): self = .header(name.lowercased())
        case (nil, let name?): self = .feature(name)
        default:
            throw DecodingError.dataCorrupted(
                .init(codingPath: fields.codingPath, debugDescription: "expected one of header and feature"))
        }
    }

    fileprivate func encode(into fields: inout KeyedEncodingContainer<RouteConfiguration.AnyKey>) throws {
        switch self {
        case .header(let name): try fields.encode(name, forKey: .init("header"))
        case .feature(let name): try fields.encode(name, forKey: .init("feature"))
        }
    }
}

extension RouteConfiguration.Sticky: Codable {
    public init(from decoder: any Decoder) throws {
        let fields = try RouteConfiguration.fields(decoder, ["header", "feature", "salt"])
        key = try RouteConfiguration.Key(fields)
        salt = try fields.decodeIfPresent(String.self, forKey: .init("salt"))
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: RouteConfiguration.AnyKey.self)
        try key.encode(into: &fields)
        try fields.encodeIfPresent(salt, forKey: .init("salt"))
    }
}

extension RouteConfiguration.Segment: Codable {
    public init(from decoder: any Decoder) throws {
        let fields = try RouteConfiguration.fields(decoder, ["name", "when", "version"])
        name = try fields.decode(String.self, forKey: .init("name"))
        version = try fields.decode(String.self, forKey: .init("version"))
        let when = try RouteConfiguration.fields(
            fields.superDecoder(forKey: .init("when")), ["header", "feature", "in"])
        key = try RouteConfiguration.Key(when)
        values = try when.decode([String].self, forKey: .init("in"))
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: RouteConfiguration.AnyKey.self)
        try fields.encode(name, forKey: .init("name"))
        try fields.encode(version, forKey: .init("version"))
        var when = fields.nestedContainer(keyedBy: RouteConfiguration.AnyKey.self, forKey: .init("when"))
        try key.encode(into: &when)
        try when.encode(values, forKey: .init("in"))
    }
}
