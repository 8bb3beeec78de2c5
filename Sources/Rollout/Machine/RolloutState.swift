// The states of a rollout, what leads from one to another, and what serves meanwhile.
//
//                  ┌───────────────── next step ◄──────────────┬──────────────┐
//                  ▼                                           │              │
//     start ─► waiting ─► beforeStep ─► raising ─► running ─► afterStep ─► gate ─► (after the last step)
//               │             │            │        │   │        │                     │
//               │             └─ hook ─────┼─► paused ◄─┤◄─ hook ─┘              raising to 100%
//               │                          │        ▲   │                               │
//               │                          │        │   └─► inconclusive             baking ─► promoted
//               │                          │        │            │                      │
//               └──────────────────────────┴── verdict rollback, in any of them ────────┴─► rolledBack
//                                              abort, by a person, in any of them ────────► aborted
//
// | state | weight | leaves it |
// |---|---|---|
// | waiting | the step's before, 0 at first | no freeze window holds: beforeStep, or raising where the step has no hook |
// | beforeStep | likewise | the hook says go: raising; says no, or nothing in its time: paused |
// | raising | likewise, until the new one is acknowledged | acknowledged: running, or baking after the last step |
// | running | the step's | min, samples and promotion test passed: afterStep, gate or the next step; max over: inconclusive; verdict pause, or a person: paused |
// | afterStep | the step's | as beforeStep, but on to gate or the next step |
// | gate | the step's | a person promotes |
// | paused | held | a person resumes (to where it was), promotes or steps back |
// | inconclusive | held | a person resumes (max begins anew), promotes or steps back |
// | baking | 100 | the bake time is over: promoted |
// | promoted, rolledBack, aborted | 100, 0, 0 | never |
//
// Rollback and abort lead from every state that is not final, by hook, gate, pause and freeze alike: lowering never
// waits for anybody.  A raise is acknowledged only after it is on disk *and* published; until then the state says the
// weight before, so a restart in the middle serves what was acknowledged last, never more.

public enum RolloutState: String, Sendable, CaseIterable {
    case waiting
    case beforeStep = "before-step"
    case raising, running
    case afterStep = "after-step"
    case gate, paused, inconclusive, baking, promoted
    case rolledBack = "rolled-back"
    case aborted

    public var isFinal: Bool { self == .promoted || self == .rolledBack || self == .aborted }
}

/// Why it is where it is.
public enum RolloutReason: Equatable, Sendable {
    case planned
    case person(String)
    case verdict(Verdict)
    case freeze
    /// A person is to let it begin.
    case approval
    /// The hook's URL, and what it did.
    case hook(url: String, failure: HookFailure)
    case maxTimeOver
    /// Fewer requests of the candidate than the step's samples.
    case tooLittleData

    public enum HookFailure: String, Sendable, CaseIterable {
        case refused
        case noAnswer = "no answer"
    }

    public var text: String {
        switch self {
        case .planned: "as planned"
        case .person(let actor): "by \(actor)"
        case .verdict(.environment(let tests)): "stable suffers as well: \(Self.text(tests))"
        case .verdict(let verdict): Self.text(verdict.reasons)
        case .freeze: "a freeze window holds"
        case .approval: "waits for approval: a person resumes it"
        case .hook(let url, let failure): "hook \(url): \(failure.rawValue)"
        case .maxTimeOver: "the step's time is over, and the evidence decides nothing"
        case .tooLittleData: "the step's time is over, with too little data to decide anything"
        }
    }

    private static func text(_ tests: [GuardTest]) -> String {
        tests.isEmpty ? "several tests together" : tests.map(\.explanation).joined(separator: "; ")
    }
}
