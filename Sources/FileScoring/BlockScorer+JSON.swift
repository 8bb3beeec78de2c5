// NDJSON in and out.

internal import Codec
internal import Inference
internal import Primitives

extension BlockScorer {
    /// Reads a line into a row, and what is kept of it; nil, or why it is refused.
    mutating func readJSON(_ text: UnsafeRawBufferPointer, into values: UnsafeMutablePointer<Double>) -> String? {
        do throws(RequestError) {
            try records.decode(
                json: text, codec: task.codec, ignored: task.options.ignore, kept: task.options.keep, keeping: &kept,
                into: values)
            return nil
        } catch {
            return error.message
        }
    }

    /// `{"id":"a","score":0.0159}`; of several classes an array; place -1: null.
    mutating func writeJSON(_ place: Int, _ text: UnsafeRawBufferPointer, _ encoder: RecordEncoder) {
        output.append(byte: UInt8(ascii: "{"))
        if !text.isEmpty {
            output.append(UnsafeRawBufferPointer(rebasing: text.dropFirst()))
            output.append(byte: UInt8(ascii: ","))
        }
        for (index, kind) in task.options.outputs.enumerated() {
            if index > 0 { output.append(byte: UInt8(ascii: ",")) }
            switch kind {
            case .score: output.append("\"score\":")
            case .margin: output.append("\"margin\":")
            case .label: output.append("\"label\":")
            case .predictionID: preconditionFailure("rows of a file have no prediction ids")
            }
            if place < 0 {
                output.append("null")
                continue
            }
            let isArray = kind != .label && task.codec.output.columns > 1
            if isArray { output.append(byte: UInt8(ascii: "[")) }
            encoder.append(kind, row: place, delimiter: UInt8(ascii: ","), codec: task.codec, to: &output)
            if isArray { output.append(byte: UInt8(ascii: "]")) }
        }
        output.append("}\n")
    }
}
