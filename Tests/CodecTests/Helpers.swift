import Inference
import Primitives
import Testing

@testable import Codec

/// What a decoded request holds, copied out of its slot.
struct Decoded {
    var values: [Double]
    var rowCount: Int
    var valueType: ValueType
    var dialect: Dialect
    var id: String
    var wishes: [OutputKind]
    var binary: [Bool]
    var outOfRange: Int
    var explanation: ExplanationWish
}

extension ModelCodec {
    static let features = [
        FeatureSpec(name: "amount", kind: .number), FeatureSpec(name: "hour", kind: .integer),
        FeatureSpec(name: "online", kind: .boolean),
        FeatureSpec(name: "country", kind: .category, categories: ["DE", "FR", "a longer category"]),
    ]

    /// Four features without any rule.
    static let loose = test((0..<4).map { FeatureSpec(name: "f\($0)", kind: .number) })

    /// A codec of four features, one of each kind, unless told otherwise.
    static func test(
        _ features: [FeatureSpec] = features, type: ValueType = .float32, columns: Int = 1, threshold: Double = 0.5,
        positive: Int = 1, maxRows: Int = 8, classes: [String] = [], reasons: ReasonPolicy = ReasonPolicy()
    ) -> ModelCodec {
        ModelCodec(
            name: "fraud", version: "1", platform: "xgboost",
            input: ModelInput(declaredType: .float32, features: features),
            output: ModelOutput(
                scoreType: type, columns: columns, objective: "binary:logistic", classes: classes,
                threshold: threshold, positive: positive, reasons: reasons),
            maxRows: maxRows)
    }
}

/// Lends `body` the padding that decoders need.
func withPadded<Result>(_ body: [UInt8], _ use: (UnsafeRawBufferPointer) -> Result) -> Result {
    (body + [UInt8](repeating: 0x5d, count: RequestDecoder.padding)).withUnsafeBytes {
        use(UnsafeRawBufferPointer(rebasing: $0[..<body.count]))
    }
}

/// Decodes one body with a decoder and a slot of its own.
func decode(
    _ body: [UInt8], v1: Bool = false, isExplain: Bool = false, headerLength: Int? = nil, codec: ModelCodec
) -> Result<Decoded, RequestError> {
    var decoder = RequestDecoder(maxBytes: 1 << 20)
    var request = InferenceRequest()
    return decode(body, v1: v1, isExplain: isExplain, headerLength: headerLength, codec: codec, &decoder, &request)
}

func decode(
    _ body: [UInt8], v1: Bool, isExplain: Bool = false, headerLength: Int? = nil, codec: ModelCodec,
    _ decoder: inout RequestDecoder,
    _ request: inout InferenceRequest
) -> Result<Decoded, RequestError> {
    withUnsafeMutablePointer(to: &request) { request in
        withPadded(body) { body in
            do throws(RequestError) {
                if v1 {
                    try decoder.decodeV1(body, isExplain: isExplain, codec: codec, into: request)
                } else {
                    try decoder.decodeV2(body, binaryHeaderLength: headerLength, codec: codec, into: request)
                }
            } catch {
                return .failure(error)
            }
            return .success(copy(request, codec))
        }
    }
}

private func copy(_ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec) -> Decoded {
    let count = request.pointee.rowCount * codec.featureCount
    let pointer = request.pointee.values.pointer
    let type = request.pointee.valueType
    return Decoded(
        values: (0..<count).map {
            type == .float32
                ? Double(pointer.load(fromByteOffset: 4 * $0, as: Float.self))
                : pointer.load(fromByteOffset: 8 * $0, as: Double.self)
        },
        rowCount: request.pointee.rowCount, valueType: type, dialect: request.pointee.dialect,
        id: String(decoding: request.pointee.id.bytes, as: UTF8.self),
        wishes: (0..<request.pointee.wishCount).map { request.pointee.wishes[$0].kind },
        binary: (0..<request.pointee.wishCount).map { request.pointee.wishes[$0].binary },
        outOfRange: request.pointee.outOfRange, explanation: request.pointee.explanation)
}

func decodeV2(_ text: String, codec: ModelCodec = .test()) throws -> Decoded {
    try decode(Array(text.utf8), codec: codec).get()
}

func decodeV1(_ text: String, codec: ModelCodec = .test()) throws -> Decoded {
    try decode(Array(text.utf8), v1: true, codec: codec).get()
}

/// The message of a body that must be refused with 400; nil: it was accepted.
func refusal(_ text: String, v1: Bool = false, headerLength: Int? = nil, codec: ModelCodec = .test()) -> String? {
    switch decode(Array(text.utf8), v1: v1, headerLength: headerLength, codec: codec) {
    case .success: return nil
    case .failure(let error):
        #expect(error.status == 400)
        return error.message
    }
}

/// A V2 body whose tensor has these members and whose envelope has those.
func body(_ tensor: String, _ envelope: String = "") -> String { "{\(envelope)\"inputs\":[{\(tensor)}]}" }

/// A V2 body with this data, of one row and FP32 unless told otherwise.
func body(data: String, rows: Int = 1, type: String = "FP32", _ envelope: String = "") -> String {
    body(#""name":"features","shape":[\#(rows),4],"datatype":"\#(type)","data":\#(data)"#, envelope)
}

/// Equal, where NaN equals NaN.
func same(_ left: [Double], _ right: [Double]) -> Bool {
    left.count == right.count && zip(left, right).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) }
}

/// The little-endian bytes of values.
func bytes<Value: BitwiseCopyable>(_ values: [Value]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }
