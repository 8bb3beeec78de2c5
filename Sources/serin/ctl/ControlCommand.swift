// `serin ctl`: the admin plane for people and scripts.

internal import Admin
internal import ArgumentParser
internal import Configuration
internal import Glibc

struct ControlCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ctl", abstract: "Asks and changes a running gateway through its admin plane.",
        discussion: "serin --generate-completion-script bash|zsh|fish prints the completions of all commands.",
        subcommands: [
            StatusCommand.self, LoadCommand.self, UnloadCommand.self, RouteCommand.self, CanaryCommand.self,
            SwitchCommand.self, RollbackCommand.self, ShadowCommand.self, LabelCommand.self, RolloutControl.self,
            AccuracyCommand.self, TriggersCommand.self, ArrivalsCommand.self, AuditLinesCommand.self,
        ])
}

/// Where the gateway is, and how the answer is shown.
struct AdminArguments: ParsableArguments {
    @Option(help: ArgumentHelp("The admin plane; default: SERIN_ADMIN, else http://127.0.0.1:9901.", valueName: "url"))
    var admin: String?

    @Option(help: ArgumentHelp("A file that holds the token; default: SERIN_TOKEN_FILE.", valueName: "file"))
    var tokenFile: String?

    @Flag(help: "Prints JSON.")
    var json = false

    func client() throws(CommandFailure) -> AdminClient {
        let environment = ConfigurationLoader.processEnvironment()
        var token: String?
        if let file = tokenFile ?? environment["SERIN_TOKEN_FILE"] {
            let bytes = try CommandFailure.checking { () throws(ConfigurationError) in
                try FileBytes.read(file, limit: 4096)
            }
            token = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).first.map(String.init)
        }
        return AdminClient(url: admin ?? environment["SERIN_ADMIN"] ?? "http://127.0.0.1:9901", token: token)
    }
}

/// What every change takes.
struct ChangeArguments: ParsableArguments {
    @Option(help: ArgumentHelp("Why; it stands in the audit log.", valueName: "text"))
    var reason: String?

    @Flag(help: "Says what would change, and changes nothing.")
    var dryRun = false

    @Flag(help: "Does not ask before it moves much traffic at once.")
    var yes = false

    @Option(
        help: ArgumentHelp("A change that moves more of the traffic is asked about; default 10.", valueName: "percent"))
    var confirmAbove: Double = 10

    func query(dryRun: Bool) -> [(String, String)] {
        (reason.map { [("reason", $0)] } ?? []) + (dryRun ? [("dry_run", "true")] : [])
    }
}

/// A change of a route: shown, asked about where it is large, made, shown.
struct RouteChanger {
    let client: AdminClient
    let options: AdminArguments
    let arguments: ChangeArguments

    init(_ options: AdminArguments, _ arguments: ChangeArguments) throws(CommandFailure) {
        client = try options.client()
        (self.options, self.arguments) = (options, arguments)
    }

    /// Reads the route, changes it, and puts it back unless somebody else was faster.
    func edit(
        _ model: String, _ body: (inout RouteConfiguration, ModelDocument) throws(CommandFailure) -> Void
    ) throws(CommandFailure) {
        let answer = try client.call("GET", "/models/\(AdminClient.escaped(model))")
        let document = try AdminClient.decode(ModelDocument.self, answer.body)
        var route = document.route
        if route.stable == nil {
            route.stable = document.versions.last { $0.uses.contains("stable") }?.version
        }
        try body(&route, document)
        try make(
            "PUT", "/models/\(AdminClient.escaped(model))/route", headers: ["If-Match": "\"\(document.generation)\""],
            body: AdminJSON.encode(route))
    }

    /// Makes a change that answers with a `ChangeDocument`.
    func make(
        _ method: String, _ path: String, query: [(String, String)] = [], headers: [String: String] = [:],
        body: String? = nil
    ) throws(CommandFailure) {
        if !arguments.dryRun, !arguments.yes {
            let planned = try client.call(
                method, path, query: query + arguments.query(dryRun: true), headers: headers, body: body)
            try confirm(try AdminClient.decode(ChangeDocument.self, planned.body))
        }
        let answer = try client.call(
            method, path, query: query + arguments.query(dryRun: arguments.dryRun), headers: headers, body: body)
        if options.json { return print(answer.body, terminator: "") }
        show(try AdminClient.decode(ChangeDocument.self, answer.body))
    }

    /// The largest share, in percent, that any version gains. What goes back to stable does not count: whoever takes a
    /// candidate away is in a hurry.
    static func moved(_ change: ChangeDocument) -> Double {
        let versions = Set(change.before.versions + change.after.versions)
        return versions.filter { $0 != change.before.stable }
            .map { (change.after.weight(of: $0) - change.before.weight(of: $0)) * 100 }.max() ?? 0
    }

    private func confirm(_ change: ChangeDocument) throws(CommandFailure) {
        let moved = Self.moved(change)
        guard moved > arguments.confirmAbove else { return }
        guard isatty(STDIN_FILENO) == 1 else {
            throw CommandFailure(
                code: .usage,
                message:
                    "this moves \(Percent.text(moved)) % of the traffic of \(change.model) at once; say --yes, or move less"
            )
        }
        Terminal.writeError(
            "This moves \(Percent.text(moved)) % of the traffic of \(change.model) at once. Go on? [y/N] ")
        guard ["y", "yes"].contains((readLine() ?? "").lowercased()) else {
            throw CommandFailure(code: .checkFailed, message: "nothing was changed")
        }
    }

    private func show(_ change: ChangeDocument) {
        let before = Dictionary(uniqueKeysWithValues: RouteText.rows(change.before).map { ($0.0, $0.1) })
        let after = Dictionary(uniqueKeysWithValues: RouteText.rows(change.after).map { ($0.0, $0.1) })
        var keys = RouteText.rows(change.after).map(\.0)
        for (key, _) in RouteText.rows(change.before) where !keys.contains(key) { keys.append(key) }
        Terminal.printTable(
            [change.dryRun ? "WOULD BE" : change.model, "BEFORE", "AFTER"],
            keys.map { [$0, before[$0] ?? "-", after[$0] ?? "-"] })
        print(change.dryRun ? "nothing was changed" : "generation \(change.generation)")
        if !change.recorded {
            Terminal.printWarning("in force, but not recorded yet: the gateway's state cannot be written (degraded)")
        }
    }
}

/// Percentages as they are typed: up to four digits behind the point, no more than needed.
enum Percent {
    static func text(_ value: Double) -> String {
        let parts = Int((value * 10000).rounded())
        let (whole, rest) = parts.quotientAndRemainder(dividingBy: 10000)
        if rest == 0 { return "\(whole)" }
        let digits = String(rest)
        let padded = String(repeating: "0", count: 4 - digits.count) + digits
        return "\(whole)." + String(padded.reversed().drop { $0 == "0" }.reversed())
    }
}

/// A route in a few lines.
enum RouteText {
    static func rows(_ route: RouteConfiguration) -> [(String, String)] {
        let rest = Percent.text(100 - Double(route.sharedMillionths) / 10000)
        var rows = [("stable", route.stable.map { "\($0) (\(rest) %)" } ?? "the highest ready version")]
        if let canary = route.canary {
            rows.append(("canary", "\(canary.version) (\(Percent.text(canary.share.percent)) %)"))
        }
        for arm in route.arms {
            rows.append(("arm \(arm.name)", "\(arm.version) (\(Percent.text(arm.share.percent)) %)"))
        }
        for shadow in route.shadow {
            rows.append(("shadow \(shadow.version)", "\(Percent.text(shadow.share.percent)) % copied"))
        }
        for segment in route.segments {
            rows.append(
                (
                    "segment \(segment.name)",
                    "\(segment.version) for \(key(segment.key)) in \(segment.values.joined(separator: ", "))"
                ))
        }
        for (label, version) in route.labels.sorted(by: { $0.key < $1.key }) {
            rows.append(("label \(label)", version))
        }
        if let sticky = route.sticky { rows.append(("sticky", key(sticky.key))) }
        if route.override { rows.append(("override", "\(RouteConfiguration.overrideHeader) is obeyed")) }
        return rows
    }

    private static func key(_ key: RouteConfiguration.Key) -> String {
        switch key {
        case .header(let name): "header \(name)"
        case .feature(let name): "feature \(name)"
        }
    }
}
