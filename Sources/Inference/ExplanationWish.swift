// What a request asks for besides its scores: what each feature added to them, and the reasons in words.
//
//     :explain, outputs: [contributions]   required      the explanation, or an error that says why there is none
//     parameters.explain                   whereItFits   the scores in any case, and why they stand alone

public struct ExplanationWish: Sendable, Equatable {
    public enum Need: UInt8, Sendable { case none, whereItFits, required }

    /// What became of it; the texts are those of `serin-explanation`.
    public enum Outcome: UInt8, Sendable, CaseIterable {
        /// It is in the answer.
        case full
        /// It would have come after the deadline.
        case deadline
        /// Too many explanations wait.
        case busy
        /// It would have taken more processor time than one request may.
        case budget
        /// The version is loaded, and not yet ready to explain.
        case preparing

        public var text: StaticString {
            switch self {
            case .full: "full"
            case .deadline: "deadline"
            case .busy: "busy"
            case .budget: "budget"
            case .preparing: "preparing"
            }
        }
    }

    public var need = Need.none
    public var outcome = Outcome.full
    /// Reasons of a row, at most; 0: none.
    public var reasons = 0
    /// The class that reasons speak for; -1: the one with the highest score.
    public var column = -1

    public init() {}

    /// Whether contributions are to be computed, or were.
    public var isWanted: Bool { need != .none && outcome == .full }
}

/// How a model's contributions become reasons, as its manifest states it.
public struct ReasonPolicy: Sendable, Equatable {
    /// Which contributions are reasons: those that made the score higher, or those that made it lower.
    public enum Direction: String, Sendable { case higher, lower }

    /// Reasons that anybody may ask for, of one row.
    public static let topMax = 16

    /// Reasons of a row where the request does not say how many.
    public var top = 4
    public var toward = Direction.higher

    public init() {}
}
