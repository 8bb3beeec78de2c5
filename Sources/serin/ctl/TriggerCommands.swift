// `serin ctl triggers` and `serin ctl arrivals`: what a model has said of itself, and what has come to replace it.

internal import Admin
internal import ArgumentParser

struct TriggersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "triggers", abstract: "A model's triggers, and what became of their events.")

    @Argument var model: String
    @OptionGroup var options: AdminArguments

    func run() throws {
        let answer = try options.client().call("GET", "/models/\(AdminClient.escaped(model))/triggers")
        if options.json { return print(answer.body, terminator: "") }
        let triggers = try AdminClient.decode([String: [TriggerDocument]].self, answer.body)["triggers"] ?? []
        Terminal.printTable(
            ["TRIGGER", "KIND", "STATE", "NOW", "FIRED", "DELIVERED", "FAILED", "GIVEN UP", "LAST", "WHY"],
            triggers.map { trigger in
                [
                    trigger.name, trigger.kind, trigger.state, trigger.now ?? "-", "\(trigger.fired)",
                    "\(trigger.delivered)", "\(trigger.failedAttempts)", "\(trigger.givenUp)", trigger.firedAt ?? "-",
                    trigger.failure ?? trigger.reason ?? "",
                ]
            })
    }
}

struct ArrivalsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "arrivals", abstract: "Versions that arrived in the repository, and what became of them.")

    @Argument var model: String
    @OptionGroup var options: AdminArguments

    func run() throws {
        let answer = try options.client().call("GET", "/models/\(AdminClient.escaped(model))/arrivals")
        if options.json { return print(answer.body, terminator: "") }
        let arrivals = try AdminClient.decode([String: [ArrivalDocument]].self, answer.body)["arrivals"] ?? []
        Terminal.printTable(
            ["VERSION", "OUTCOME", "TIME", "WHY"],
            arrivals.map { ["\(model)/\($0.version)", $0.outcome, $0.time, $0.reason] })
    }
}
