// The `route` of a model in YAML: the same fields as its JSON, with errors that name the line.

extension ConfigurationLoader {
    static func readRoute(
        _ value: YAMLValue, load: ModelConfiguration.Load
    ) throws(ConfigurationError) -> RouteConfiguration {
        let fields = try value.fields(routeFields)
        var route = RouteConfiguration()
        if let stable = fields["stable"] { route.stable = try readVersion(stable) }
        if let canary = fields["canary"], !canary.isNull { route.canary = try readCanary(canary) }
        for arm in try fields["arms"]?.items(countMax: RouteConfiguration.armsMax) ?? [] {
            let fields = try arm.fields(["name", "version", "percent"])
            route.arms.append(
                .init(
                    name: try fields.required("name").text(), version: try readVersion(fields.required("version")),
                    share: try readShare(fields.required("percent"))))
        }
        for shadow in try fields["shadow"]?.items(countMax: RouteConfiguration.shadowsMax) ?? [] {
            route.shadow.append(try readCanary(shadow))
        }
        if let sticky = fields["sticky"], !sticky.isNull {
            let fields = try sticky.fields(["header", "feature", "salt"])
            route.sticky = .init(key: try readKey(fields), salt: try fields["salt"]?.text())
        }
        for (label, version) in try fields["labels"]?.entries() ?? [] { route.labels[label] = try readVersion(version) }
        for segment in try fields["segments"]?.items(countMax: RouteConfiguration.segmentsMax) ?? [] {
            route.segments.append(try readSegment(segment))
        }
        if let override = fields["override"] { route.override = try override.boolean() }
        if let (field, message) = route.problem() {
            throw fields[field]?.error(message) ?? value.error("\(field) \(message)")
        }
        if case .versions(let loaded) = load {
            for version in route.versions where !loaded.contains(version) {
                let use = route.uses(of: version)[0]
                throw (fields[use] ?? value).error(
                    "version \(version) is \(use), but load lists only \(loaded.joined(separator: ", "))")
            }
        }
        return route
    }

    private static func readCanary(_ value: YAMLValue) throws(ConfigurationError) -> RouteConfiguration.Canary {
        let fields = try value.fields(["version", "percent"])
        return .init(
            version: try readVersion(fields.required("version")), share: try readShare(fields.required("percent")))
    }

    private static func readShare(_ value: YAMLValue) throws(ConfigurationError) -> RouteConfiguration.Share {
        guard let share = RouteConfiguration.Share(percent: try value.number()) else {
            throw value.expected(RouteConfiguration.Share.expectation)
        }
        return share
    }

    private static func readKey(_ fields: YAMLFields) throws(ConfigurationError) -> RouteConfiguration.Key {
        switch (fields["header"], fields["feature"]) {
        case (let header?, nil): return .header(try header.text().lowercased())
        case (nil, let feature?): return .feature(try feature.text())
        default: throw fields.owner.error("needs one of header and feature")
        }
    }

    private static func readSegment(_ value: YAMLValue) throws(ConfigurationError) -> RouteConfiguration.Segment {
        let fields = try value.fields(["name", "when", "version"])
        let when = try fields.required("when").fields(["header", "feature", "in"])
        var values: [String] = []
        for item in try when.required("in").items(countMax: RouteConfiguration.valuesMax) {
            values.append(try item.text())
        }
        return .init(
            name: try fields.required("name").text(), key: try readKey(when), values: values,
            version: try readVersion(fields.required("version")))
    }
}
