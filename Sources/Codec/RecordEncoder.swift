// Scores as text in files, with the digits that answers have.

public import Inference
internal import JSON
public import Primitives

public struct RecordEncoder {
    private let scores: Scores
    private let margins: Scores

    /// Of rows whose scores and margins stand there in the model's type.
    public init(scores: UnsafeMutableRawPointer, margins: UnsafeMutableRawPointer, codec: ModelCodec) {
        self.scores = Scores(scores, codec)
        self.margins = Scores(margins, codec)
    }

    /// The names of an output's columns: `score`, or `score_` and the class where there are several.
    public static func names(of kind: OutputKind, codec: ModelCodec) -> [String] {
        switch kind {
        case .label: return ["label"]
        // Nobody waits for the labels of a file.
        case .predictionID: preconditionFailure("rows of a file have no prediction ids")
        case .score, .margin:
            let name = kind == .score ? "score" : "margin"
            if codec.columns == 1 { return [name] }
            let classes = codec.output.classes
            return (0..<codec.columns).map { "\(name)_\(classes.count == codec.columns ? classes[$0] : String($0))" }
        }
    }

    /// Appends a row's values of one output, with commas (or another delimiter) between them.
    public func append(
        _ kind: OutputKind, row: Int, delimiter: UInt8, codec: ModelCodec, to out: inout GrowableBuffer
    ) {
        out.reserve(out.count + codec.columns * (JSONWriter.numberBytesMax + 1))
        var pen = Pen(at: out.pointer + out.count)
        switch kind {
        case .label: pen.put(scores.label(row, codec))
        case .predictionID: preconditionFailure("rows of a file have no prediction ids")
        case .score, .margin:
            let values = kind == .score ? scores : margins
            for column in 0..<codec.columns {
                if column > 0 {
                    pen.at.storeBytes(of: delimiter, as: UInt8.self)
                    pen.at += 1
                }
                values.write(row * codec.columns + column, 1, &pen)
            }
        }
        out.count = out.pointer.distance(to: pen.at)
    }
}
