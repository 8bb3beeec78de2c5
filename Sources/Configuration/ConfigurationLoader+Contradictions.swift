// Values that are each fine and cannot be meant together.

extension ConfigurationLoader {
    /// Throws at the origin of the value that was set (the later of the two where both were).
    static func refuseContradictions(
        _ configuration: GatewayConfiguration, raw: [String: RawScalar]
    ) throws(ConfigurationError) {
        func refuse(_ keyPath: String, else other: String, _ message: String) -> ConfigurationError {
            if let scalar = raw[keyPath] { return scalar.error(message, keyPath: keyPath) }
            return raw[other]?.error(message, keyPath: other)
                ?? ConfigurationError(source: "defaults", keyPath: keyPath, message: message)
        }
        let data = configuration.listen
        let metrics = configuration.metrics
        let overlap =
            data.address == metrics.address || IPAddress.isEvery(data.address) || IPAddress.isEvery(metrics.address)
        if data.port != 0 && data.port == metrics.port && overlap {
            throw refuse(
                "metrics.port", else: "listen.port",
                "listen and metrics share port \(data.port); give one of them another")
        }
        if configuration.signingKeys.isEmpty,
            let model = configuration.models.first(where: { $0.requirements.contains(.signature) })
        {
            throw refuse(
                "signing.keys", else: "repository",
                "signing.keys is empty, but models.\(model.name) requires a signature")
        }
        let admin = configuration.admin
        if admin.tokens.isEmpty, !IPAddress.isLoopback(admin.address) {
            throw refuse(
                "admin.address", else: "admin.port",
                "the admin plane is off loopback without authentication; set admin.tokens, or an address of loopback")
        }
        if admin.port != 0, admin.port == data.port || admin.port == metrics.port {
            throw refuse("admin.port", else: "listen.port", "shares port \(admin.port) with listen or metrics")
        }
        if configuration.drain.delayNanos >= configuration.drain.timeoutNanos {
            let timeout = Quantity.duration(nanos: configuration.drain.timeoutNanos)
            throw refuse(
                "drain.delay", else: "drain.timeout",
                "drain.delay must be below drain.timeout, which is \(timeout): both count from the signal")
        }
        if configuration.limits.receivingBytes < configuration.limits.bodyBytes {
            let bytes = Quantity.size(bytes: configuration.limits.bodyBytes)
            throw refuse(
                "limits.receiving_bytes", else: "limits.body_bytes",
                "limits.receiving_bytes must hold one body of limits.body_bytes, which is \(bytes)")
        }
        if let state = configuration.statePath, state == configuration.repository || state == configuration.cachePath {
            throw refuse(
                "state.path", else: "repository",
                "state.path is the folder of the bundles or of the compiled images; the state needs one of its own")
        }
        if configuration.cachePath == configuration.repository {
            throw refuse(
                "cache.path", else: "repository",
                "cache.path and repository are the same folder; compiled images need one of their own")
        }
    }
}
