// What traffic does to a healthy candidate: the models of the specification of the guard.
//
// Each keeps to the null hypotheses tick by tick: given the past, an arm's expected share of bad requests is what the plan
// says, and the candidate's at most `ratio` times stable's.  What a model changes is how the bad requests fall: all at
// once, in one arm, with one key, when the share moves.  Stalls are shorter than a tick; longer ones are evidence.

public enum TrafficModel: String, Sendable, CaseIterable {
    /// Poisson.
    case constant
    /// The rate goes up and down by 80%, four times a run; so do both arms' shares of errors, below what is allowed.
    case diurnal
    /// One tick in fifty brings up to thirty times the traffic.
    case bursts
    /// Requests above a quantile come together: a tick has a fifth of its share, or eight times it.
    case heavyTailed = "heavy-tailed"
    /// 20 to 50 ms in which one arm answers nothing in time; each arm has its own.
    case armStalls = "arm-stalls"
    /// The same, for both arms at once.
    case sharedStalls = "shared-stalls"
    /// A card that fails is tried again at once, up to 20 times, each with its own coin.
    case retries
    /// Sticky keys, one of them 7% of the traffic; light keys that fail again and again.
    case stickyZipf = "sticky-zipf"
    /// Sticky keys as above, and a failed card is tried again at once.
    case stickyRetries = "sticky-retries"
    /// Sticky keys as above; the candidate decides as often as it should, but for other keys than stable.
    case stickyDecisions = "sticky-decisions"
    /// A person goes a step back, and on again, time after time.
    case steps
    /// Bad outcomes are known half a second after good ones.
    case slowOutcomes = "slow-outcomes"

    var isSticky: Bool { self == .stickyZipf || self == .stickyRetries || self == .stickyDecisions }

    /// Ticks until a bad outcome is known.
    var badDelayTicks: UInt64 { self == .slowOutcomes ? 5 : 0 }

    /// Names, for messages.
    public static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }
}
