// Which trainer wrote a file, and in which of its formats.

/// The raw values are the manifest's words.
public enum ModelFileFormat: String, Sendable, CaseIterable {
    case xgboostJSON = "xgboost-json"
    case xgboostUBJSON = "xgboost-ubj"
    case lightgbm
    case catboost
    case onnx

    /// Told from the first bytes, for JSON from its first key; nil: none of them.
    ///
    /// An ONNX file opens with field 1, its IR version, and goes on with another field of ModelProto.
    /// JSON and UBJSON both open with `{`.  UBJSON goes on with the marker of the first key's
    /// length, JSON with a quote or white space.
    public static func detect(_ bytes: [UInt8]) -> ModelFileFormat? {
        let head = bytes.prefix(64)
        if head.starts(with: "tree\n".utf8) || head.starts(with: "tree\r\n".utf8) { return .lightgbm }
        if head.count > 2, head[0] == 0x08, (1...0x7F).contains(head[1]), onnxTags.contains(head[2]) { return .onnx }
        let text = head.drop { isSpace($0) }
        guard text.first == UInt8(ascii: "{") else { return nil }
        let next = text.dropFirst().first { !isSpace($0) }
        if next == UInt8(ascii: "\"") { return isCatBoost(text.dropFirst()) ? .catboost : .xgboostJSON }
        let second = bytes.count > 1 ? bytes[1] : 0
        return "LlIUi$#".utf8.contains(second) ? .xgboostUBJSON : nil
    }

    /// Tags of ModelProto's fields 2 to 8 and 14.
    private static let onnxTags: [UInt8] = [0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42, 0x72]

    /// Whether an object's first key is one of CatBoost's; XGBoost's are `learner` and `version`.
    private static func isCatBoost(_ text: ArraySlice<UInt8>) -> Bool {
        let key = text.drop { $0 != UInt8(ascii: "\"") }.dropFirst().prefix { $0 != UInt8(ascii: "\"") }
        return ["ctr_data", "features_info", "model_info", "oblivious_trees", "scale_and_bias", "trees"]
            .contains { key.elementsEqual($0.utf8) }
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
    }
}
