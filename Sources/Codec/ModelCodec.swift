// What the codec knows about one loaded version: schema tables for decoding, bytes for encoding.
//
// Built when a version is loaded, immutable afterwards, read by every reactor. The reactors hold it
// through an unmanaged reference of the version, so that nothing here is counted on the hot path:
// functions take it as a parameter (guaranteed by the caller) and read fields that are plain words.

public import Inference
internal import JSON
internal import Primitives
internal import Synchronization

public final class ModelCodec {
    public let name: String
    public let version: String
    /// What the metadata call `platform`, such as `xgboost`.
    public let platform: String
    public let input: ModelInput
    public let output: ModelOutput
    /// Rows that one request may have.
    public let maxRows: Int

    /// No other codec of this process has or had it.
    let serial: UInt64
    private static let lastSerial = Atomic<UInt64>(0)

    let featureCount: Int
    let columns: Int
    let scoreType: ValueType
    let threshold: Double
    let positive: Int
    let policies: FeaturePolicies
    let names: NameTable
    let explanation: ExplanationTexts
    /// One byte a column: what a cell may hold besides numbers and null.
    let cells: UnsafeMutablePointer<CellKind>
    /// The input tensor's name.
    let inputName: GrowableBuffer
    /// `{"model_name":"fraud","model_version":"1"`
    let responseHead: GrowableBuffer
    /// `,"parameters":{"serin-version":"1","serin-arm":"`
    let responseFacts: GrowableBuffer
    /// The same facts at the start of a ModelInferResponse.
    let inferHead: GrowableBuffer

    public init(
        name: String, version: String, platform: String, input: ModelInput, output: ModelOutput, maxRows: Int
    ) {
        self.name = name
        self.version = version
        self.platform = platform
        self.input = input
        self.output = output
        self.maxRows = maxRows
        serial = Self.lastSerial.add(1, ordering: .relaxed).newValue
        featureCount = input.features.count
        columns = output.columns
        scoreType = output.scoreType
        threshold = output.threshold
        positive = output.positive
        policies = FeaturePolicies(input.features)
        names = NameTable(input.features)
        explanation = ExplanationTexts(input.features, output)
        cells = .allocate(capacity: input.features.count)
        for (column, feature) in input.features.enumerated() { (cells + column).initialize(to: CellKind(feature)) }
        inputName = Self.bytes { $0.append(string: input.name) }
        responseHead = Self.bytes {
            $0.append(#"{"model_name":"#)
            $0.appendJSON(string: name)
            $0.append(#","model_version":"#)
            $0.appendJSON(string: version)
        }
        responseFacts = Self.bytes {
            $0.append(#","parameters":{"serin-version":"#)
            $0.appendJSON(string: version)
            $0.append(#","serin-arm":""#)
        }
        inferHead = Self.bytes { head in
            ModelInferEncoder.prepare(name: name, version: version).withUnsafeBytes { head.append($0) }
        }
    }

    deinit { cells.deallocate() }

    private static func bytes(_ write: (inout GrowableBuffer) -> Void) -> GrowableBuffer {
        var buffer = GrowableBuffer()
        write(&buffer)
        return buffer
    }
}

// SAFETY: written in init, freed in deinit, only read in between.
extension ModelCodec: @unchecked Sendable {}

/// What a cell of a column may hold besides numbers and null.
enum CellKind: UInt8 {
    case number
    /// `true` and `false`.
    case boolean
    /// Strings; those that are not listed are missing.
    case category
    /// Strings; those that are not listed are refused.
    case strictCategory

    init(_ feature: FeatureSpec) {
        switch feature.kind {
        case .number, .integer: self = .number
        case .boolean: self = .boolean
        case .category: self = feature.unknown == .reject ? .strictCategory : .category
        }
    }

    /// For messages.
    var expectation: String {
        switch self {
        case .number: "a number or null"
        case .boolean: "true, false, 0, 1 or null"
        case .category, .strictCategory: "a category's string, its code or null"
        }
    }
}

extension GrowableBuffer {
    /// Appends a string in quotes, escaped (may allocate: not for the hot path).
    mutating func appendJSON(string: String) {
        var string = string
        string.withUTF8 { utf8 in
            reserve(count + JSONWriter.escapedBytesMax * utf8.count + 2)
            count += JSONWriter.write(string: UnsafeRawBufferPointer(utf8), to: pointer + count)
        }
    }
}
