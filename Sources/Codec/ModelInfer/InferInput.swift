// An InferInputTensor's header: name 1, datatype 2, shape 3, parameters 4; contents 5 is only measured.

internal import GRPC
internal import Inference
internal import JSON
internal import Primitives

struct InferInput {
    let message: UnsafeRawBufferPointer
    private var name = UnsafeRawBufferPointer(start: nil, count: 0)
    private var datatype = UnsafeRawBufferPointer(start: nil, count: 0)
    /// The first two dimensions, and how many there are.
    private var rows: Int64 = 0
    private var features: Int64 = 0
    private var rank = 0
    /// Bytes of typed contents.
    private(set) var contentBytes = 0

    @inline(__always)
    init(_ message: UnsafeRawBufferPointer) throws(RequestError) {
        self.message = message
        var fields = ProtobufReader(message)
        while fields.next() {
            switch (fields.number, fields.type) {
            case (1, .bytes): name = try InferText.read(fields.bytes, "inputs[0].name")
            case (2, .bytes): datatype = try InferText.read(fields.bytes, "inputs[0].datatype")
            case (3, .bytes): try readDimensions(fields.bytes)
            case (3, .varint): add(Int64(bitPattern: fields.scalar))
            case (4, .bytes): try InferParameter(fields.bytes, "inputs[0].parameters").refuseSharedMemory("inputs[0]")
            case (5, .bytes): contentBytes += fields.bytes.count
            default: break
            }
        }
        if fields.isMalformed { throw InferText.malformed("InferInputTensor") }
    }

    @inline(__always)
    private mutating func readDimensions(_ packed: UnsafeRawBufferPointer) throws(RequestError) {
        var values = PackedVarints(packed)
        while !values.isAtEnd {
            guard let value = values.next() else { throw InferText.malformed("InferInputTensor") }
            add(Int64(bitPattern: value))
        }
    }

    @inline(__always)
    private mutating func add(_ dimension: Int64) {
        if rank == 0 { rows = dimension }
        if rank == 1 { features = dimension }
        rank += 1
    }

    @inline(__always)
    func checkName(_ codec: ModelCodec) throws(RequestError) {
        let expected = codec.inputName.bytes
        guard name.count == expected.count, name.elementsEqual(expected) else { throw nameRefusal(codec) }
    }

    @inline(never)
    private func nameRefusal(_ codec: ModelCodec) -> RequestError {
        let got = name.isEmpty ? "none" : RequestFields.printable(name).map { "'\($0)'" } ?? "another name"
        return RequestFields.expected("inputs[0].name", "'\(codec.input.name)'", got: got)
    }

    @inline(__always)
    func readDatatype() throws(RequestError) -> Datatype {
        guard !datatype.isEmpty, let type = Datatype(JSONKey(datatype)) else { throw datatypeRefusal() }
        return type
    }

    @inline(never)
    private func datatypeRefusal() -> RequestError {
        let got = datatype.isEmpty ? "none" : Datatype.unsupportedName(JSONKey(datatype))
        return RequestFields.expected("inputs[0].datatype", Datatype.supported, got: got)
    }

    /// The rows; refuses any shape but [rows, features].
    @inline(__always)
    func readShape(_ codec: ModelCodec) throws(RequestError) -> Int {
        guard rank == 2, features == codec.featureCount else { throw shapeRefusal(codec) }
        try Rows.check(Int(rows), "inputs[0].shape", codec)
        return Int(rows)
    }

    @inline(never)
    private func shapeRefusal(_ codec: ModelCodec) -> RequestError {
        let got =
            rank == 2
            ? "[\(RequestFields.printable(Int(rows))), \(RequestFields.printable(Int(features)))]"
            : "\(rank) dimensions"
        return RequestFields.expected("inputs[0].shape", "[rows, \(codec.featureCount)]", got: got)
    }
}
