// Faults that a test wants of a model: `fault: {delay: 15ms, errors: 0.2, nan: true, hang: true}` in its manifest.
//
// A gateway loads such a bundle only when it was started with --allow-faults.

internal import Configuration

public struct ModelFault: Sendable, Equatable {
    /// Every batch takes so much longer.
    public var delayNanos: UInt64 = 0
    /// The share of requests that fail as if the executor had: 0 to 1.
    public var errors = 0.0
    /// Every score is not a number.
    public var isNaN = false
    /// Every batch hangs for `hangNanos` before it is scored.
    public var hangs = false

    /// How long a batch hangs.
    public static let hangNanos: UInt64 = 5_000_000_000

    public init() {}

    init(parsing value: YAMLValue) throws(ConfigurationError) {
        let fields = try value.fields(["delay", "errors", "nan", "hang"])
        if let delay = fields["delay"] { delayNanos = try delay.nanos(in: 0...60_000_000_000) }
        if let share = fields["errors"] {
            errors = try share.number()
            guard 0...1 ~= errors else { throw share.expected("a share from 0 to 1") }
        }
        if let nan = fields["nan"] { isNaN = try nan.boolean() }
        if let hang = fields["hang"] { hangs = try hang.boolean() }
    }
}
