// One message against its schema: which fields may stand in it, of which wire type, how often.
//
//     var message = MessageReader("NodeProto", file, range, place)
//     while let field = try message.next([1: .many(.bytes), 3: .one(.bytes), 6: .ignored]) { … }

struct MessageReader {
    enum Rule {
        /// At most once.
        case one(WireReader.WireType)
        case many(WireReader.WireType)
        /// Numbers, each under its own tag of this type or packed.
        case numbers(WireReader.WireType)
        /// Says nothing about scores: documentation, intermediate shapes.
        case ignored
        /// Refused with this reason.
        case refused(String)
    }

    let name: String
    let place: String
    var wire: WireReader
    private var seen: Set<Int> = []

    init(_ name: String, file: [UInt8], range: Range<Int>, place: String) {
        self.name = name
        self.place = place
        wire = WireReader(file: file, range: range)
    }

    func error(_ message: String, _ field: WireReader.Field) -> ModelFormatError {
        ModelFormatError(place.isEmpty ? "byte \(field.position)" : "\(place) (byte \(field.position))", message)
    }

    /// The next field that is not ignored, checked against its rule; nil at the end.
    mutating func next(_ rules: [Int: Rule]) throws(ModelFormatError) -> WireReader.Field? {
        while let field = try wire.next() {
            guard let rule = rules[field.number] else {
                throw error("field \(field.number) of \(name) is not known to this version", field)
            }
            switch rule {
            case .ignored:
                try wire.skip(field.type)
                continue
            case .refused(let reason): throw error(reason, field)
            case .one(let type):
                guard field.type == type else { throw wrongType(field) }
                guard seen.insert(field.number).inserted else {
                    throw error("field \(field.number) of \(name) stands twice", field)
                }
            case .many(let type): guard field.type == type else { throw wrongType(field) }
            case .numbers(let type): guard field.type == type || field.type == .bytes else { throw wrongType(field) }
            }
            return field
        }
        return nil
    }

    private func wrongType(_ field: WireReader.Field) -> ModelFormatError {
        error("field \(field.number) of \(name) has the wrong wire type \(field.type.rawValue)", field)
    }
}
