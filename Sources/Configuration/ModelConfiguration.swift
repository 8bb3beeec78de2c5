// One model of the `models:` section.

public struct ModelConfiguration: Sendable, Equatable {
    /// Which of the repository's versions to load.
    public enum Load: Sendable, Equatable {
        case all
        /// The highest so many.
        case latest(Int)
        case versions([String])
    }

    /// What a bundle must bring beyond what every bundle must.
    public enum Requirement: String, Sendable, CaseIterable {
        /// Golden rows.
        case golden
        /// A signature by one of `signing.keys`.
        case signature
    }

    /// How long a request may wait for its answer, from its first bytes.
    public struct Timeout: Sendable, Equatable {
        /// Where the request does not say; nil: for ever.
        public internal(set) var standardNanos: UInt64?
        /// The most that a request may say.
        public internal(set) var maxNanos: UInt64 = 60_000_000_000
    }

    public let name: String
    public internal(set) var load = Load.all
    /// Counts for ready: its stable version must be.
    public internal(set) var isRequired = true
    public internal(set) var requirements: [Requirement] = []
    /// The latency that a request should keep to; nil: the manifest's.
    public internal(set) var budgetNanos: UInt64?
    /// Rows of one request.
    public internal(set) var rowsMax = 1024
    public internal(set) var timeout = Timeout()
    /// The names of client certificates that may ask; empty: anyone.
    public internal(set) var clients: [String] = []
    /// Requests a second that one client may ask; 0: any number.
    public internal(set) var rate = 0
    /// Where its requests go while no state says otherwise.
    public internal(set) var route = RouteConfiguration()
    /// After a switch, and while a canary by hand serves, the guard watches and goes back by itself.
    public internal(set) var isWatched = true
    public internal(set) var queue = QueueConfiguration()
    public internal(set) var drift = DriftConfiguration()
    public internal(set) var decisions = ModelDecisions()
    public internal(set) var feedback = ModelFeedback()
    public internal(set) var explanation = ExplanationConfiguration()
    public internal(set) var triggers: [TriggerConfiguration] = []
    public internal(set) var onNewVersion = NewVersionPolicy.ignore
    /// What answers when the version that should cannot in time, in turn.
    public internal(set) var fallback: [FallbackTier] = []
    /// nil: the highest ready version.
    public var stableVersion: String? { route.stable }

    init(name: String) { self.name = name }

    /// Of versions in ascending order, those to load; a listed version that is not there is left out.
    public func selected(from versions: [String]) -> [String] {
        switch load {
        case .all: versions
        case .latest(let count): Array(versions.suffix(count))
        case .versions(let wanted): versions.filter(wanted.contains)
        }
    }
}

/// A model's name or version, as bundles, folders and URLs have it.
public enum ModelIdentifier {
    public static let nameExpectation = "letters, digits, '.', '_' and '-' (at most 128), the first a letter or digit"
    public static let versionExpectation = "digits without a leading zero, from 1 to 9223372036854775807"

    /// `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`
    public static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, isLetterOrDigit(first), text.utf8.count <= 128 else { return false }
        return text.utf8.allSatisfy { byte in
            isLetterOrDigit(byte) || [UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-")].contains(byte)
        }
    }

    /// The number of a version; nil: not one. Below 2^63, so that it sorts and fits protocols.
    public static func versionNumber(_ text: String) -> Int64? {
        guard let first = text.utf8.first, first != UInt8(ascii: "0") else { return nil }
        guard text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return Int64(text)
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a)
    }
}
