// The commands that change something.

internal import Admin
internal import ArgumentParser
internal import Configuration

struct LoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load", abstract: "Takes a version through the gate and makes it ready.")

    @Argument var model: String
    @Argument var version: String
    @OptionGroup var arguments: ChangeArguments
    @OptionGroup var options: AdminArguments

    func run() throws { try change("load", model, version, arguments, options) }
}

struct UnloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "unload", abstract: "Takes a version out of memory.")

    @Argument var model: String
    @Argument var version: String
    @OptionGroup var arguments: ChangeArguments
    @OptionGroup var options: AdminArguments

    func run() throws { try change("unload", model, version, arguments, options) }
}

private func change(
    _ action: String, _ model: String, _ version: String, _ arguments: ChangeArguments, _ options: AdminArguments
) throws(CommandFailure) {
    let path = "/models/\(AdminClient.escaped(model))/versions/\(AdminClient.escaped(version)):\(action)"
    let answer = try options.client().call("POST", path, query: arguments.query(dryRun: arguments.dryRun))
    if options.json { return print(answer.body, terminator: "") }
    let document = try AdminClient.decode(LoadDocument.self, answer.body)
    print("\(document.model)/\(document.version) is \(document.state)\(document.dryRun ? "; nothing was changed" : "")")
}

struct RouteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "route", abstract: "Shows or replaces a model's route.",
        discussion: "Without --file and --from-config it shows the route; --json prints what --file takes.")

    @Argument var model: String

    @Option(help: ArgumentHelp("The new route as JSON; - reads standard input.", valueName: "file"))
    var file: String?

    @Flag(help: "Applies the route of the gateway's configuration file.")
    var fromConfig = false

    @OptionGroup var arguments: ChangeArguments
    @OptionGroup var options: AdminArguments

    func validate() throws {
        if file != nil, fromConfig { throw ValidationError("--file and --from-config are two different routes") }
    }

    func run() throws {
        let path = "/models/\(AdminClient.escaped(model))/route"
        if fromConfig {
            let generation = try options.client().call("GET", path).headers["etag"] ?? "*"
            return try RouteChanger(options, arguments).make(
                "PUT", path, query: [("from_config", "true")], headers: ["If-Match": generation], body: "{}")
        }
        if let file {
            let bytes = try CommandFailure.checking { () throws(ConfigurationError) in
                try FileBytes.read(file == "-" ? "/dev/stdin" : file, limit: 1 << 20)
            }
            let generation = try options.client().call("GET", path).headers["etag"] ?? "*"
            return try RouteChanger(options, arguments).make(
                "PUT", path, headers: ["If-Match": generation], body: String(decoding: bytes, as: UTF8.self))
        }
        let answer = try options.client().call("GET", path)
        if options.json { return print(answer.body, terminator: "") }
        let route = try AdminClient.decode(RouteConfiguration.self, answer.body)
        Terminal.printTable([model, "VERSION"], RouteText.rows(route).map { [$0.0, $0.1] })
    }
}

struct CanaryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "canary", abstract: "Gives a version a share of a model's traffic; 0 takes it away from everybody."
    )

    @Argument var model: String
    @Option(help: "The version; default: the canary that there is.") var version: String?
    @Option(help: "0 to 100 in steps of 0.0001.") var percent: Double
    @OptionGroup var arguments: ChangeArguments
    @OptionGroup var options: AdminArguments

    func run() throws {
        guard let share = RouteConfiguration.Share(percent: percent) else {
            throw CommandFailure(code: .usage, message: "--percent: expected \(RouteConfiguration.Share.expectation)")
        }
        try RouteChanger(options, arguments).edit(model) { (route, _) throws(CommandFailure) in
            guard let version = version ?? route.canary?.version else {
                throw CommandFailure(code: .usage, message: "\(model) has no canary: say --version")
            }
            route.canary = .init(version: version, share: share)
        }
    }
}

struct ShadowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shadow", abstract: "Sends copies of a model's requests to a version; 0 ends it.")

    @Argument var model: String
    @Option(help: "The version.") var version: String
    @Option(help: "0 to 100 in steps of 0.0001.") var percent: Double
    @OptionGroup var arguments: ChangeArguments
    @OptionGroup var options: AdminArguments

    func run() throws {
        guard let share = RouteConfiguration.Share(percent: percent) else {
            throw CommandFailure(code: .usage, message: "--percent: expected \(RouteConfiguration.Share.expectation)")
        }
        try RouteChanger(options, arguments).edit(model) { (route, _) throws(CommandFailure) in
            route.shadow.removeAll { $0.version == version }
            if share != .none { route.shadow.append(.init(version: version, share: share)) }
        }
    }
}

struct LabelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "label", abstract: "Lets a label name a version; it moves only to one that is ready.")

    @Argument var model: String
    @Argument var label: String
    @Option(help: "The version; without it the label is taken away.") var version: String?
    @OptionGroup var arguments: ChangeArguments
    @OptionGroup var options: AdminArguments

    func run() throws {
        try RouteChanger(options, arguments).edit(model) { (route, _) throws(CommandFailure) in
            route.labels[label] = version
        }
    }
}

struct SwitchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "switch", abstract: "Moves all of a model's traffic to a version in one swap.")

    @Argument var model: String
    @Option(help: "The version.") var version: String
    @Option(help: "How long the version before stays loaded and pinned; default 1h.") var bake: String?
    @OptionGroup var arguments: ChangeArguments
    @OptionGroup var options: AdminArguments

    func run() throws {
        var body = ["version": version]
        body["bake"] = bake
        try RouteChanger(options, arguments).make(
            "POST", "/models/\(AdminClient.escaped(model)):switch", body: AdminJSON.encode(body))
    }
}

struct RollbackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback", abstract: "Goes back to the route before the last switch, at once and without asking.")

    @Argument var model: String
    @OptionGroup var arguments: ChangeArguments
    @OptionGroup var options: AdminArguments

    func run() throws {
        var arguments = arguments
        // Nobody is asked while something burns.
        arguments.yes = true
        try RouteChanger(options, arguments).make("POST", "/models/\(AdminClient.escaped(model)):rollback", body: "{}")
    }
}
