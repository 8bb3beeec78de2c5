// What all threads of a run share and none changes: the model, and how its rows are read and written.

internal import Codec
internal import Execution
internal import Inference
internal import ModelFormat
internal import Registry

final class ScoringTask: Sendable {
    let model: CompiledModel
    let codec: ModelCodec
    let options: FileScoringOptions
    /// nil: NDJSON.
    let layout: CSVLayout?

    /// Rows that are scored together.
    static let rowsMax = 512

    init(bundle: LoadedBundle, codec: ModelCodec, options: FileScoringOptions, layout: CSVLayout?) {
        model = bundle.model
        self.codec = codec
        self.options = options
        self.layout = layout
    }

    static func codec(of bundle: LoadedBundle) -> ModelCodec {
        ModelCodec(
            name: bundle.name, version: bundle.version, platform: bundle.facts.format.rawValue, input: bundle.input,
            output: bundle.output, maxRows: rowsMax)
    }
}

/// A row that has no score, and why.
struct RejectedRow {
    /// From 0 in its block.
    var line: Int
    var reason: String
    /// Where the line stands in the block.
    var bytes: Range<Int>
}
