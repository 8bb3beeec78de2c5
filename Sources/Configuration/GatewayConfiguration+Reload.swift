// What of a new configuration a running gateway takes on, and what it would have to start again for.

extension GatewayConfiguration {
    /// Scalars that change while it serves; so do the lists of `listen.tls`, `listen.tokens`, and the models' `clients`
    /// and `rate`.
    private static func isLive(_ keyPath: String) -> Bool {
        if keyPath == "log.level" || keyPath == "grpc.reflection" { return true }
        return keyPath.hasPrefix("listen.tls.") && keyPath != "listen.tls.address" && keyPath != "listen.tls.port"
    }

    /// This configuration with everything of `new` that can change live, and the key paths of what cannot.
    public func adopting(_ new: GatewayConfiguration) -> (configuration: GatewayConfiguration, needRestart: [String]) {
        var adopted = self
        var needRestart = ConfigurationField.all.filter { field in
            !Self.isLive(field.keyPath) && field.text(in: self) != field.text(in: new)
        }.map(\.keyPath)
        if listen.proxies != new.listen.proxies { needRestart.append("listen.proxies") }
        if tls.proxies != new.tls.proxies { needRestart.append("listen.tls.proxies") }
        if admin.tokens != new.admin.tokens { needRestart.append("admin.tokens") }
        adopted.logLevel = new.logLevel
        adopted.tokens = new.tokens
        adopted.offersReflection = new.offersReflection
        if tls.isOn == new.tls.isOn {
            adopted.tls = new.tls
            adopted.tls.address = tls.address
            adopted.tls.port = tls.port
            adopted.tls.proxies = tls.proxies
        } else {
            needRestart.append("listen.tls.certificates")
        }
        adopted.models = []
        for name in models.map(\.name) + new.models.map(\.name) where adopted.hasModel(name) == false {
            var (model, wanted) = (model(named: name), new.model(named: name))
            model.clients = wanted.clients
            model.rate = wanted.rate
            // In force only when an operator applies it: serin ctl route NAME --from-config.
            model.route = wanted.route
            adopted.models.append(model)
            wanted.clients = model.clients
            if model != wanted { needRestart.append("models.\(name)") }
        }
        return (adopted, needRestart)
    }

    private func hasModel(_ name: String) -> Bool { models.contains { $0.name == name } }
}
