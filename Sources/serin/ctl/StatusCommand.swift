// `serin ctl status`: models, versions, states, shares, requests; once or over and over.

internal import Admin
internal import ArgumentParser
internal import Glibc

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "What is loaded, and where requests go.")

    @Argument(help: "Only this model.")
    var model: String?

    @Flag(help: "Shows it again every second, until interrupted.")
    var watch = false

    @OptionGroup var options: AdminArguments

    func run() throws {
        let client = try options.client()
        repeat {
            let status = try client.read(StatusDocument.self, "/status")
            let models = status.models.filter { model == nil || $0.name == model }
            if let model, models.isEmpty {
                throw CommandFailure(code: .checkFailed, message: "there is no model \"\(model)\"")
            }
            if watch, isatty(STDOUT_FILENO) == 1 { print("\u{1b}[H\u{1b}[2J", terminator: "") }
            if options.json {
                print(AdminJSON.encode(status))
            } else {
                show(status, models)
            }
            fflush(nil)
            if watch { sleep(1) }
        } while watch
    }

    private func show(_ status: StatusDocument, _ models: [ModelDocument]) {
        print("serin \(status.version): \(status.ready ? "ready" : "not ready")\(status.degraded ? ", degraded" : "")")
        if status.state == "memory" {
            Terminal.printWarning("state.path is not set: changes are lost when the gateway ends")
        }
        var rows: [[String]] = []
        for model in models {
            for version in model.versions {
                let served = version.requests.values.reduce(0, +)
                rows.append([
                    model.name, version.version, version.state, version.uses.joined(separator: ", "),
                    Percent.text(version.weight * 100), "\(served)", "\(served - (version.requests["ok"] ?? 0))",
                    version.cpuSeconds.map { Self.seconds($0) } ?? "",
                    version.memoryBytes.map { Self.mebibytes($0) } ?? "", version.error ?? "",
                ])
            }
        }
        Terminal.printTable(
            ["MODEL", "VERSION", "STATE", "USED AS", "%", "REQUESTS", "NOT OK", "CPU S", "MIB", "WHY"], rows)
        for model in models {
            for text in model.problems + model.warnings { Terminal.printWarning("\(model.name): \(text)") }
            if model.differsFromConfiguration {
                Terminal.printWarning(
                    "\(model.name): the configuration's route differs; serin ctl route \(model.name) --from-config applies it"
                )
            }
        }
    }

    /// With three digits behind the point.
    private static func seconds(_ seconds: Double) -> String {
        let millis = (seconds * 1000).rounded()
        return String(millis / 1000)
    }

    /// With one digit behind the point.
    private static func mebibytes(_ bytes: Int) -> String {
        let tenths = (Double(bytes) * 10 / 1_048_576).rounded()
        return String(tenths / 10)
    }
}

struct AuditLinesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "audit", abstract: "Who changed what, when and why.")

    @Option(help: "Only of this model.") var model: String?
    @Option(help: "Only by this actor.") var actor: String?
    @Option(help: "Only this action: route, switch, rollback, load, unload, canary, seed.") var action: String?
    @Option(help: ArgumentHelp("Not before, such as 2026-01-31T09:00:00Z.", valueName: "time")) var since: String?
    @Option(help: ArgumentHelp("At most so many lines.", valueName: "count")) var limit = 100
    @Flag(help: "Prints a JSON object a line.") var ndjson = false
    @OptionGroup var options: AdminArguments

    func run() throws {
        var query = [("limit", "\(limit)")]
        for (name, value) in [("model", model), ("actor", actor), ("action", action), ("since", since)] {
            if let value { query.append((name, value)) }
        }
        if ndjson { query.append(("format", "ndjson")) }
        let answer = try options.client().call("GET", "/audit", query: query)
        if ndjson || options.json { return print(answer.body, terminator: "") }
        let lines = try AdminClient.decode([String: [AuditDocument]].self, answer.body)["lines"] ?? []
        Terminal.printTable(
            ["LINE", "TIME", "ACTOR", "FROM", "ACTION", "MODEL", "BEFORE", "AFTER", "REASON", "OUTCOME"],
            lines.map { line in
                [
                    "\(line.sequence)", line.time, line.actor, line.origin, line.action, line.model, line.before,
                    line.after, line.reason, line.outcome,
                ]
            })
    }
}
