// What `serin score` is asked to do.

public import Inference

public enum RecordFormat: String, Sendable, CaseIterable {
    case csv, ndjson

    /// By a file's ending; nil: it says nothing.
    public init?(path: String) {
        switch path.split(separator: ".").last?.lowercased() {
        case "csv", "tsv", "txt": self = .csv
        case "ndjson", "jsonl": self = .ndjson
        default: return nil
        }
    }
}

public struct FileScoringOptions: Sendable {
    public var input: String
    public var output: String
    public var format: RecordFormat
    public var delimiter = UInt8(ascii: ",")
    /// Columns of the input that go into the output, in this order.
    public var keep: [String] = []
    /// NDJSON's members that are no features and are not kept.
    public var ignore: [String] = []
    public var outputs: [OutputKind] = [.score]
    /// Where refused rows go; nil: the first one ends the run.
    public var rejects: String?
    public var threads = 1
    /// Of input a thread takes at a time; a resumed run keeps what it began with.
    public var blockBytes = 1 << 20
    /// Forget a run that was interrupted.
    public var restarts = false
    /// Replace an output that is there.
    public var overwrites = false

    /// A longer line is refused.
    public static let lineBytesMax = 1 << 20

    public init(input: String, output: String, format: RecordFormat) {
        (self.input, self.output, self.format) = (input, output, format)
    }

    /// What decides the output's content, as text: a run may only be resumed with the same.
    var signature: String {
        let outputs = outputs.map { "\($0)" }.joined(separator: "+")
        return "\(format.rawValue) \(delimiter) \(outputs) keep \(keep) ignore \(ignore)"
    }
}

/// How far a run is.
public struct FileScoringProgress: Sendable, Equatable {
    /// Rows scored or refused, since the very beginning.
    public var rows = 0
    public var rejected = 0
    /// Of the input.
    public var bytes = 0
    public var bytesTotal = 0
    /// Rows of an earlier, interrupted run among them.
    public var rowsBefore = 0
    /// Of the input, behind that run.
    public var bytesBefore = 0
    /// Values out of their feature's range that were accepted or clipped, in this run.
    public var outOfRange = 0

    public init() {}
}
