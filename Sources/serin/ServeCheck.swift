// `serin serve --check`: everything a start would refuse, found without a start.
//
// The first wrong thing of a configuration ends the check; of bundles all are tried, so that one
// run names every bundle that would not load.  Writes nothing but stdout and stderr: no cache.

internal import Configuration
internal import Registry

struct ServeCheck {
    let configuration: GatewayConfiguration

    func run() throws(CommandFailure) {
        let plan = try CommandFailure.checking { () throws(ConfigurationError) in try ServingPlan(configuration) }
        plan.warnings.forEach(Terminal.printWarning)
        if let path = configuration.cachePath {
            try CommandFailure.checking { () throws(ConfigurationError) in try ImageCache.refuseUnsafe(path) }
        }
        printListeners()
        let problems = problemsOfTLS(configuration)
        let files = problemsOfTriggers(configuration)
        (problems + files).forEach(Terminal.printError)
        var failures = 0
        for model in plan.models {
            for version in model.versions where !loads(model, version) { failures += 1 }
        }
        if failures > 0 {
            throw CommandFailure(
                code: .checkFailed, message: "\(failures) bundle(s) would not load; repair or remove them")
        }
        if !problems.isEmpty {
            throw CommandFailure(
                code: .checkFailed, message: "\(problems.count) problem(s) with the files of listen.tls; repair them")
        }
        if !files.isEmpty {
            throw CommandFailure(
                code: .checkFailed, message: "\(files.count) problem(s) with files of triggers or plans; repair them")
        }
        print("fine: nothing was started")
    }

    private func printListeners() {
        let reactors = configuration.reactors == 0 ? "as many reactors as CPUs" : "\(configuration.reactors) reactor(s)"
        let (data, metrics) = (configuration.listen, configuration.metrics)
        print("would serve HTTP/2 and HTTP/1.1 on \(endpoint(data.address, data.port)) with \(reactors)")
        if configuration.tls.isOn {
            let tls = configuration.tls
            print(
                "would serve the same over TLS on \(endpoint(tls.address, tls.port)), client certificates: "
                    + "\(tls.clientAuthentication)")
        }
        print("would serve /metrics and health on \(endpoint(metrics.address, metrics.port))")
    }

    private func endpoint(_ address: String, _ port: Int) -> String {
        let host = address.contains(":") ? "[\(address)]" : address
        return "\(host):\(port == 0 ? "(a free port)" : String(port))"
    }

    /// Loads one bundle as a start would, and prints a line.
    private func loads(_ model: ServingPlan.Model, _ version: String) -> Bool {
        let identity = BundleIdentity(name: model.name, version: version)
        do throws(ConfigurationError) {
            let bundle = try ModelRepository(path: configuration.repository)
                .load(
                    identity, requireGolden: model.requiresGolden,
                    signature: SignaturePolicy(
                        keys: try SignaturePolicy.readKeys(configuration.signingKeys),
                        isRequired: model.configuration.requirements.contains(.signature)))
            for warning in bundle.warnings { Terminal.printWarning("\(model.name)/\(version): \(warning)") }
            let isStable = (model.stableVersion ?? model.versions.last) == version
            print(
                "would load \(model.name)/\(version)\(isStable ? " (stable)" : ""): \(BundleText.summary(of: bundle))")
            return true
        } catch {
            Terminal.printError(error.description)
            return false
        }
    }
}
