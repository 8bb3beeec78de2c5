// Where a model's requests go: the `route` of config/serin.yaml and of the admin plane, one and the same.
//
//     stable ─ the rest     canary, arms ─ a share     segments ─ requests of a kind     labels ─ names in paths
//     shadow ─ copies       sticky ─ the same key, the same arm     override ─ the client names the version
//
// A value that passed `problems` is well formed; whether its versions are loaded is for who puts it in force.

public struct RouteConfiguration: Sendable, Equatable {
    /// A share of the traffic in millionths: 0.0001 % is 1.
    public struct Share: Sendable, Hashable {
        public static let whole = Share(millionths: 1_000_000)
        public static let none = Share(millionths: 0)

        public var millionths: Int

        public init(millionths: Int) { self.millionths = millionths }

        /// nil: not a number from 0 to 100 in steps of 0.0001.
        public init?(percent: Double) {
            guard percent.isFinite, 0...100 ~= percent else { return nil }
            let rounded = (percent * 10000).rounded()
            // A multiple of the step as near as doubles come.
            guard abs(percent * 10000 - rounded) < 1e-6 else { return nil }
            millionths = Int(rounded)
        }

        public var percent: Double { Double(millionths) / 10000 }

        public static let expectation = "a number from 0 to 100 in steps of 0.0001"
    }

    public struct Canary: Sendable, Equatable {
        public var version: String
        public var share: Share

        public init(version: String, share: Share) {
            self.version = version
            self.share = share
        }
    }

    /// One of an A/B/n test.
    public struct NamedArm: Sendable, Equatable {
        public var name: String
        public var version: String
        public var share: Share

        public init(name: String, version: String, share: Share) {
            self.name = name
            self.version = version
            self.share = share
        }
    }

    /// What requests are told apart by.
    public enum Key: Sendable, Equatable {
        /// A header field's name, in lower case.
        case header(String)
        case feature(String)
    }

    public struct Sticky: Sendable, Equatable {
        public var key: Key
        /// nil: the model's name.
        public var salt: String?

        public init(key: Key, salt: String?) {
            self.key = key
            self.salt = salt
        }
    }

    public struct Segment: Sendable, Equatable {
        public var name: String
        public var key: Key
        public var values: [String]
        public var version: String

        public init(name: String, key: Key, values: [String], version: String) {
            self.name = name
            self.key = key
            self.values = values
            self.version = version
        }
    }

    /// nil: the highest ready version.
    public var stable: String?
    public var canary: Canary?
    public var arms: [NamedArm] = []
    public var shadow: [Canary] = []
    public var sticky: Sticky?
    public var segments: [Segment] = []
    /// Label to version.
    public var labels: [String: String] = [:]
    /// Clients may name a version in `serin-version`.
    public var override = false

    public init(stable: String? = nil) { self.stable = stable }

    /// What an override names the version in.
    public static let overrideHeader = "serin-version"

    /// Every version that it names, each once.
    public var versions: [String] {
        var all: [String] = []
        let named =
            [stable, canary?.version].compactMap { $0 } + arms.map(\.version) + shadow.map(\.version)
            + segments.map(\.version) + labels.values.sorted()
        for version in named where !all.contains(version) { all.append(version) }
        return all
    }

    /// What of it names a version, for people: `canary`, `label production`.
    public func uses(of version: String) -> [String] {
        var uses: [String] = []
        if stable == version { uses.append("stable") }
        if canary?.version == version { uses.append("canary") }
        uses += arms.filter { $0.version == version }.map { "arm \($0.name)" }
        uses += shadow.filter { $0.version == version }.map { _ in "shadow" }
        uses += segments.filter { $0.version == version }.map { "segment \($0.name)" }
        uses += labels.filter { $0.value == version }.map { "label \($0.key)" }.sorted()
        return uses
    }

    /// What the canary and the arms take of the traffic.
    public var sharedMillionths: Int { arms.reduce(canary?.share.millionths ?? 0) { $0 + $1.share.millionths } }

    /// The share of the model's own traffic that a version gets, 0 to 1.
    public func weight(of version: String) -> Double {
        var sum = stable == version ? 1_000_000 - sharedMillionths : 0
        if canary?.version == version { sum += canary?.share.millionths ?? 0 }
        for arm in arms where arm.version == version { sum += arm.share.millionths }
        return Double(sum) / 1e6
    }
}
