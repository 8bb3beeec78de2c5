// The requested outputs of a ModelInferRequest: `outputs` 6, each name 1 and parameters 2.

internal import GRPC
internal import Inference
internal import JSON

enum InferOutputs {
    /// Notes the wishes in the slot, in the request's order; none may come twice.
    @inline(never)
    static func read(
        _ message: UnsafeRawBufferPointer, isRaw: Bool, into request: UnsafeMutablePointer<InferenceRequest>
    ) throws(RequestError) {
        var count = 0
        var seen: UInt8 = 0
        var fields = ProtobufReader(message)
        while fields.next() {
            guard fields.number == 6, fields.type == .bytes else { continue }
            let kind = try readOutput(fields.bytes, count)
            let bit = 1 << kind.rawValue as UInt8
            if seen & bit != 0 { throw .badRequest("outputs[\(count)].name: this output is asked for twice") }
            seen |= bit
            request.pointee.wishes[count] = OutputWish(kind, binary: isRaw)
            count += 1
        }
        request.pointee.wishCount = count
    }

    private static func readOutput(_ output: UnsafeRawBufferPointer, _ index: Int) throws(RequestError) -> OutputKind {
        var name = UnsafeRawBufferPointer(start: nil, count: 0)
        var fields = ProtobufReader(output)
        while fields.next() {
            guard fields.type == .bytes else { continue }
            switch fields.number {
            case 1: name = try InferText.read(fields.bytes, "outputs.name")
            case 2: try refuse(InferParameter(fields.bytes, "outputs.parameters"), index)
            default: break
            }
        }
        if fields.isMalformed { throw InferText.malformed("InferRequestedOutputTensor") }
        return try kind(name, index)
    }

    /// Parameters that would change the answer are refused, not ignored.
    private static func refuse(_ parameter: InferParameter, _ index: Int) throws(RequestError) {
        if parameter.isNamed("classification") {
            throw .badRequest("outputs[\(index)].parameters.classification: not supported")
        }
        try parameter.refuseSharedMemory("outputs[\(index)]")
    }

    private static func kind(_ name: UnsafeRawBufferPointer, _ index: Int) throws(RequestError) -> OutputKind {
        if InferText.equals(name, "score") { return .score }
        if InferText.equals(name, "margin") { return .margin }
        if InferText.equals(name, "label") { return .label }
        if InferText.equals(name, "prediction_id") { return .predictionID }
        let got = name.isEmpty ? "none" : RequestFields.printable(name).map { "'\($0)'" } ?? "another name"
        throw RequestFields.expected("outputs[\(index)].name", OutputWishes.expectation, got: got)
    }
}
