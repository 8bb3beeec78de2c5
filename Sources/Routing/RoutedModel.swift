// A model's route as the table is built from it: versions by the gateway's indices, features by column.

public import Primitives

/// What a request is told apart by: a header field or a feature of its first row.
public enum RoutedKey: Equatable, Sendable {
    /// The number of a field in `FieldNames`.
    case field(Int)
    /// A column of the model's rows.
    case column(Int)
}

/// A share of the independent traffic: `parts` of a million.
public struct RoutedShare: Equatable, Sendable {
    public var index: Int
    public var parts: Int
    /// The series that the arm's requests are counted under belong to the version; the name is the route's.
    public var name: String?

    /// - Parameter name: nil: the canary.
    public init(index: Int, parts: Int, name: String? = nil) {
        self.index = index
        self.parts = parts
        self.name = name
    }
}

/// Requests of one kind, and the version that answers them.
public struct RoutedSegment: Equatable, Sendable {
    public var key: RoutedKey
    /// The field's values.
    public var texts: [String]
    /// The column's values: numbers, or codes of categories.
    public var numbers: [Float]
    public var index: Int

    public init(key: RoutedKey, texts: [String] = [], numbers: [Float] = [], index: Int) {
        self.key = key
        self.texts = texts
        self.numbers = numbers
        self.index = index
    }
}

/// How the same key stays on its arm.
public struct RoutedStickiness: Equatable, Sendable {
    public var key: RoutedKey
    public var hash: SipHash

    public init(key: RoutedKey, hash: SipHash) {
        self.key = key
        self.hash = hash
    }
}

public struct RoutedModel: Sendable {
    public var name: String
    /// Version numbers and the gateway's indices of the versions that are ready.
    public var versions: [(number: UInt64, index: Int)]
    /// The index of the version that serves by default; nil: none is ready.
    public var stable: Int?
    public var canary: RoutedShare?
    public var arms: [RoutedShare] = []
    public var shadows: [RoutedShare] = []
    public var sticky: RoutedStickiness?
    public var labels: [(name: String, index: Int)] = []
    public var segments: [RoutedSegment] = []
    /// The number of the field that may name a version; nil: none may.
    public var overrideField: Int?

    public init(name: String, versions: [(number: UInt64, index: Int)], stable: Int?) {
        self.name = name
        self.versions = versions
        self.stable = stable
    }
}
