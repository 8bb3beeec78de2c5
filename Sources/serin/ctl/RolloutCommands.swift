// `serin ctl rollout`: starts a plan, watches it, and the words that a person has in it.

internal import Admin
internal import ArgumentParser
internal import Configuration
internal import Glibc

struct RolloutControl: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollout", abstract: "Staged rollouts under the guard.",
        discussion: "`serin rollout simulate PLAN` says beforehand how a plan behaves.",
        subcommands: [
            StartRollout.self, WatchRollout.self, ListRollouts.self, PauseRollout.self, ResumeRollout.self,
            PromoteRollout.self, StepRolloutBack.self, AbortRollout.self,
        ])
}

struct StartRollout: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "start", abstract: "Starts a plan.")

    @Argument var model: String
    @Option(help: "The candidate; default: the plan's.") var version: String?
    @Option(help: ArgumentHelp("See config/rollout.yaml; - reads standard input.", valueName: "file")) var plan: String
    @Option(help: ArgumentHelp("Why; it stands in the audit log.", valueName: "text")) var reason: String?
    @Flag(help: "Waits for `resume` before its first step.") var hold = false
    @Flag(help: "Says whether it could start, and starts nothing.") var dryRun = false
    @OptionGroup var options: AdminArguments

    func run() throws {
        let bytes = try CommandFailure.checking { () throws(ConfigurationError) in
            try FileBytes.read(plan == "-" ? "/dev/stdin" : plan, limit: 1 << 20)
        }
        let order = RolloutOrder(version: version, plan: String(decoding: bytes, as: UTF8.self), hold: hold)
        var query = reason.map { [("reason", $0)] } ?? []
        if dryRun { query.append(("dry_run", "true")) }
        let answer = try options.client().call(
            "POST", "/models/\(AdminClient.escaped(model))/rollouts", query: query, body: AdminJSON.encode(order))
        if options.json { return print(answer.body, terminator: "") }
        let rollout = try AdminClient.decode(RolloutDocument.self, answer.body)
        print(
            dryRun
                ? "the plan can start: \(rollout.model)/\(rollout.candidate) beside \(rollout.stable)"
                : "\(rollout.id): \(rollout.model)/\(rollout.candidate) beside \(rollout.stable); "
                    + "serin ctl rollout watch \(rollout.id)")
    }
}

struct ListRollouts: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Those that run, and the last that are over.")

    @OptionGroup var options: AdminArguments

    func run() throws {
        let answer = try options.client().call("GET", "/rollouts")
        if options.json { return print(answer.body, terminator: "") }
        let rollouts = try AdminClient.decode([String: [RolloutDocument]].self, answer.body)["rollouts"] ?? []
        Terminal.printTable(
            ["ROLLOUT", "CANDIDATE", "STATE", "PERCENT", "VERDICT", "REASON"],
            rollouts.map {
                [$0.id, "\($0.model)/\($0.candidate)", $0.state, Percent.text($0.percent), $0.verdict, $0.reason]
            })
    }
}

struct WatchRollout: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Steps, evidence against thresholds, both arms; every second until it is over.",
        discussion: "Ends with 0 where the candidate was promoted, and with 1 where it went back.")

    @Argument(help: "The rollout; default: the one that runs.") var id: String?
    @Flag(help: "Shows it once.") var once = false
    @OptionGroup var options: AdminArguments

    func run() throws {
        let client = try options.client()
        let id = try id ?? Self.running(client)
        while true {
            let rollout = try client.read(RolloutDocument.self, "/rollouts/\(AdminClient.escaped(id))")
            if !once, !options.json, isatty(STDOUT_FILENO) == 1 { print("\u{1b}[H\u{1b}[2J", terminator: "") }
            if options.json { print(AdminJSON.encode(rollout)) } else { RolloutText(rollout).show() }
            fflush(nil)
            switch rollout.state {
            case "promoted": return
            case "rolled-back", "aborted":
                if once { return }
                throw CommandFailure(code: .checkFailed, message: "\(id): \(rollout.state), \(rollout.reason)")
            default: if once { return }
            }
            sleep(1)
        }
    }

    private static func running(_ client: AdminClient) throws(CommandFailure) -> String {
        let all = try client.read([String: [RolloutDocument]].self, "/rollouts")["rollouts"] ?? []
        let running = all.filter { !["promoted", "rolled-back", "aborted"].contains($0.state) }
        guard let last = running.last ?? all.last, running.count < 2 else {
            let names = running.map(\.id).joined(separator: ", ")
            throw CommandFailure(
                code: .usage, message: running.isEmpty ? "there is no rollout" : "say which one: \(names)")
        }
        return last.id
    }
}

/// A rollout on a terminal.
struct RolloutText {
    let rollout: RolloutDocument

    init(_ rollout: RolloutDocument) { self.rollout = rollout }

    func show() {
        print("\(rollout.id)  \(rollout.model)/\(rollout.candidate) beside \(rollout.stable), by \(rollout.startedBy)")
        print("\(rollout.state): \(rollout.reason)")
        print(steps)
        print("")
        Terminal.printTable(
            ["THIS STEP", "REQUESTS", "LATE", "ERRORS", "POSITIVE", "P50", "P99"],
            [
                row("stable", rollout.thisStep.stable, rollout.total.stable),
                row("candidate", rollout.thisStep.candidate, rollout.total.candidate),
            ])
        print("")
        for test in rollout.tests { print(bar(test)) }
        let promotion = TestDocument(
            name: "promotion", leadsTo: "next step", evidence: rollout.promotion, threshold: rollout.promotionThreshold)
        print(bar(promotion))
        if let seconds = rollout.secondsToPromote, seconds > 0 {
            print("if nothing more goes wrong, the step is passed in \(Int(seconds.rounded(.up))) s")
        }
        if let shift = rollout.shift { show(shift) }
    }

    /// `1% ── [5%] ── 25% ── 50% ── 100%`
    private var steps: String {
        (rollout.steps + [100]).enumerated().map { index, percent in
            let text = "\(Percent.text(percent))%"
            return index + 1 == rollout.step ? "[\(text)]" : text
        }.joined(separator: " ── ") + "   serving \(Percent.text(rollout.percent))%"
    }

    private func row(_ name: String, _ step: ArmDocument, _ total: ArmDocument) -> [String] {
        func share(_ count: UInt64) -> String {
            step.requests == 0 ? "-" : "\(Percent.text(Double(count) * 100 / Double(step.requests)))%"
        }
        func millis(_ seconds: Double?) -> String {
            seconds.map { "\(Percent.text(($0 * 100_000).rounded() / 100)) ms" } ?? "-"
        }
        return [
            name, String(step.requests), share(step.late), share(step.errors), share(step.positives),
            millis(total.p50), millis(total.p99),
        ]
    }

    /// Evidence in powers of ten: the bar is full at the threshold.
    private func bar(_ test: TestDocument) -> String {
        let width = 30
        let part = max(0, min(1, (test.evidence ?? 0) / max(test.threshold, 1e-9)))
        let filled = Int(part * Double(width))
        let name = test.name + String(repeating: " ", count: max(0, 22 - test.name.count))
        let value = test.evidence.map { Percent.text(($0 * 10).rounded() / 10) } ?? "-"
        return name + String(repeating: "█", count: filled) + String(repeating: "·", count: width - filled)
            + " 10^\(value) of 10^\(Percent.text((test.threshold * 10).rounded() / 10)) to \(test.leadsTo)"
    }

    private func show(_ shift: ShiftDocument) {
        print("scores: population stability index \(Percent.text((shift.psi * 1000).rounded() / 1000))")
        Terminal.printTable(
            ["SCORE", "STABLE", "CANDIDATE"],
            shift.bins.map { bin in
                let from = bin.from.map { Percent.text($0) } ?? "…"
                let to = bin.to.map { Percent.text($0) } ?? "…"
                return [
                    "\(from) to \(to)", "\(Percent.text(bin.stable * 100))%", "\(Percent.text(bin.candidate * 100))%",
                ]
            })
    }
}

// MARK: Commands

/// What a command on a rollout takes.
struct RolloutCommandArguments: ParsableArguments {
    @Argument(help: "The rollout's id.") var id: String
    @Option(help: ArgumentHelp("Why; it stands in the audit log.", valueName: "text")) var reason: String?
    @OptionGroup var options: AdminArguments

    func send(_ command: String) throws(CommandFailure) {
        let answer = try options.client().call(
            "POST", "/rollouts/\(AdminClient.escaped(id)):\(command)", query: reason.map { [("reason", $0)] } ?? [])
        if options.json { return print(answer.body, terminator: "") }
        let rollout = try AdminClient.decode(RolloutDocument.self, answer.body)
        print("\(rollout.id) is \(rollout.state) at \(Percent.text(rollout.percent))%")
    }
}

struct PauseRollout: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "pause", abstract: "Holds the weight.")
    @OptionGroup var arguments: RolloutCommandArguments
    func run() throws { try arguments.send("pause") }
}

struct ResumeRollout: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "resume", abstract: "Goes on from a pause.")
    @OptionGroup var arguments: RolloutCommandArguments
    func run() throws { try arguments.send("resume") }
}

struct PromoteRollout: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "promote", abstract: "On to the next step.")
    @OptionGroup var arguments: RolloutCommandArguments
    func run() throws { try arguments.send("promote") }
}

struct StepRolloutBack: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "step-back", abstract: "Back to the step before.")
    @OptionGroup var arguments: RolloutCommandArguments
    func run() throws { try arguments.send("step-back") }
}

struct AbortRollout: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "abort", abstract: "Back to stable alone.")
    @OptionGroup var arguments: RolloutCommandArguments
    func run() throws { try arguments.send("abort") }
}
