// One message against its schema: which fields may stand in it, of which wire type, how often.
//
//     static let node = MessageSchema("NodeProto", [1: .many(.bytes), 3: .one(.bytes), 6: .ignored])
//     var message = MessageReader(.node, file, range, place)
//     while let field = try message.next() { … }
//
// A model's trees are lists of numbers with a tag each, millions of them, so a field costs a look into
// an array and no more.

struct MessageSchema: Sendable {
    enum Rule: Sendable {
        /// At most once.
        case one(WireReader.WireType)
        case many(WireReader.WireType)
        /// Numbers, each under its own tag of this type or packed.
        case numbers(WireReader.WireType)
        /// Says nothing about scores: documentation, intermediate shapes.
        case ignored
        /// Refused with this reason.
        case refused(String)
        case unknown
    }

    let name: String
    /// By field number.
    let rules: [Rule]

    init(_ name: String, _ rules: [Int: Rule]) {
        self.name = name
        self.rules = (0...(rules.keys.max() ?? 0)).map { rules[$0] ?? .unknown }
        precondition(self.rules.count <= 64, "a message remembers its fields in 64 bits")
    }
}

struct MessageReader {
    let schema: MessageSchema
    let place: String
    var wire: WireReader
    /// Bit n: field n has been there.
    private var seen: UInt64 = 0

    init(_ schema: MessageSchema, file: [UInt8], range: Range<Int>, place: String) {
        self.schema = schema
        self.place = place
        wire = WireReader(file: file, range: range)
    }

    func error(_ message: String, _ field: WireReader.Field) -> ModelFormatError {
        ModelFormatError(place.isEmpty ? "byte \(field.position)" : "\(place) (byte \(field.position))", message)
    }

    /// The next field that is not ignored, checked against its rule; nil at the end.
    mutating func next() throws(ModelFormatError) -> WireReader.Field? {
        while let field = try wire.next() {
            switch field.number < schema.rules.count ? schema.rules[field.number] : .unknown {
            case .ignored:
                try wire.skip(field.type)
                continue
            case .refused(let reason): throw error(reason, field)
            case .unknown: throw error("field \(field.number) of \(schema.name) is not known to this version", field)
            case .one(let type):
                guard field.type == type else { throw wrongType(field) }
                guard seen & 1 << field.number == 0 else {
                    throw error("field \(field.number) of \(schema.name) stands twice", field)
                }
                seen |= 1 << field.number
            case .many(let type): guard field.type == type else { throw wrongType(field) }
            case .numbers(let type): guard field.type == type || field.type == .bytes else { throw wrongType(field) }
            }
            return field
        }
        return nil
    }

    private func wrongType(_ field: WireReader.Field) -> ModelFormatError {
        error("field \(field.number) of \(schema.name) has the wrong wire type \(field.type.rawValue)", field)
    }
}
