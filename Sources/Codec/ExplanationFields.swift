// The fields of a request that ask for an explanation, and what they come to together.
//
//     V1 :explain     reasons: 3, class: "fraud"                             both optional
//     V2, ModelInfer  parameters.explain: true | 3, parameters.explain_class: "fraud"
//                     outputs: contributions, reasons
//
// An output that is named is answered, or the request is refused. `parameters.explain` adds the outputs that are not
// named, and the scores come without them where they do not fit.

internal import Inference
internal import JSON

enum ExplanationFields {
    /// As many reasons as the manifest says.
    static let manifests = -1
    /// Contributions of one request, over all rows and classes.
    static let contributionsMax = 1 << 18

    // MARK: One field

    /// `parameters.explain`: a boolean, or a number of reasons.
    static func readExplain(
        _ value: JSONValue, codec: ModelCodec, into request: UnsafeMutablePointer<InferenceRequest>
    ) throws(RequestError) {
        if let flag = value.asBool { return noteExplain(flag, request) }
        request.pointee.explanation.reasons = try readCount(value, "parameters.explain", "true, false or ", codec)
        request.pointee.explanation.need = .whereItFits
    }

    static func noteExplain(_ flag: Bool, _ request: UnsafeMutablePointer<InferenceRequest>) {
        request.pointee.explanation.need = flag ? .whereItFits : .none
        request.pointee.explanation.reasons = manifests
    }

    /// A number of reasons that the model can give.
    static func readCount(
        _ value: JSONValue, _ field: StaticString, _ others: StaticString, _ codec: ModelCodec
    ) throws(RequestError) -> Int {
        if let count = value.asUInt64, count <= codec.explanation.reasonsMax { return Int(count) }
        let got = value.asDouble != nil ? "another number" : "\(value.kind.description)"
        throw countRefusal(field, others, codec, got: got)
    }

    static func countRefusal(
        _ field: StaticString, _ others: StaticString, _ codec: ModelCodec, got: String
    ) -> RequestError {
        RequestFields.expected(
            "\(field)", "\(others)a number of reasons from 0 to \(codec.explanation.reasonsMax)", got: got)
    }

    /// A class by its name or its number.
    static func readClass(
        _ value: JSONValue, _ field: StaticString, codec: ModelCodec,
        into request: UnsafeMutablePointer<InferenceRequest>
    ) throws(RequestError) {
        var column: Int?
        if let number = value.asUInt64, number < codec.columns { column = Int(number) }
        if let name = value.stringBytes { column = codec.explanation.column(named: name) }
        let got = value.asUInt64 != nil || value.stringBytes != nil ? "another" : "\(value.kind.description)"
        try noteClass(column, field, got: got, codec, request)
    }

    /// nil: there is no such class.
    static func noteClass(
        _ column: Int?, _ field: StaticString, got: String, _ codec: ModelCodec,
        _ request: UnsafeMutablePointer<InferenceRequest>
    ) throws(RequestError) {
        if codec.columns == 1 {
            throw .badRequest("\(field): the model has one score, and no classes to choose from")
        }
        guard let column else {
            throw RequestFields.expected(
                "\(field)", "one of the model's \(codec.columns) classes, by its name or its number from 0", got: got)
        }
        request.pointee.explanation.column = column
    }

    // MARK: All of them

    /// With parameters, outputs and rows read: what is wanted, and the outputs that the answer has. `binary`: where an
    /// output does not say.
    @inline(__always)
    static func settle(
        _ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec, binary: Bool
    ) throws(RequestError) {
        var named: (contributions: Bool, reasons: Bool) = (false, false)
        for index in 0..<request.pointee.wishCount {
            named.contributions = named.contributions || request.pointee.wishes[index].kind == .contributions
            named.reasons = named.reasons || request.pointee.wishes[index].kind == .reasons
        }
        let isAsked = request.pointee.explanation.need != .none
        if isAsked || named.contributions || named.reasons || request.pointee.explanation.column >= 0 {
            try settle(request, codec, binary, isAsked: isAsked, named)
        }
    }

    @inline(never)
    private static func settle(
        _ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec, _ binary: Bool, isAsked: Bool,
        _ named: (contributions: Bool, reasons: Bool)
    ) throws(RequestError) {
        if !isAsked { request.pointee.explanation.reasons = named.reasons ? manifests : 0 }
        if named.contributions || named.reasons { request.pointee.explanation.need = .required }
        try settleCount(request, codec)
        let count = request.pointee.explanation.reasons
        if named.reasons, count == 0 {
            throw .badRequest("outputs: reasons are asked for, and parameters.explain says 0 of them")
        }
        if request.pointee.explanation.column >= 0, count == 0 {
            throw .badRequest("parameters.explain_class: has no effect without reasons, which nothing asks for")
        }
        guard isAsked else { return }
        if !named.contributions { add(.contributions, binary, request) }
        if !named.reasons, count > 0 { add(.reasons, binary, request) }
    }

    private static func add(_ kind: OutputKind, _ binary: Bool, _ request: UnsafeMutablePointer<InferenceRequest>) {
        request.pointee.wishes[request.pointee.wishCount] = OutputWish(kind, binary: binary)
        request.pointee.wishCount += 1
    }

    /// The manifest's number where the request has none, and not too many rows.
    static func settleCount(
        _ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec
    ) throws(RequestError) {
        if request.pointee.explanation.reasons == manifests {
            request.pointee.explanation.reasons = min(codec.explanation.policy.top, codec.explanation.reasonsMax)
        }
        let rowsMax = max(1, contributionsMax / (codec.columns * (codec.featureCount + 1)))
        if request.pointee.rowCount > rowsMax {
            throw .badRequest(
                "explanations: expected at most \(rowsMax) rows of this model at once, "
                    + "got \(RequestFields.printable(request.pointee.rowCount))")
        }
    }
}
