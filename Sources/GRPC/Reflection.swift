// Answers of server reflection: a ServerReflectionRequest in, a ServerReflectionResponse out.
//
// Every file here stands alone, so a file's descriptor is the whole answer. There are no extensions
// (proto3 has none), which is an empty list for a known type and NOT_FOUND for any one of them.

public enum Reflection {
    /// What this server describes.
    public static let files: [ProtoFile] = [.inference, .health, .reflection, .reflectionAlpha]

    private static let descriptors = Dictionary(uniqueKeysWithValues: files.map { ($0.name, $0.descriptor) })
    private static let fileOfSymbol = Dictionary(
        uniqueKeysWithValues: files.flatMap { file in file.symbols.map { ($0, file.name) } })

    /// The full names of all services.
    public static let services = files.flatMap { file in file.services.map { "\(file.package).\($0.name)" } }

    private enum Question {
        case file(String)
        case symbol(String)
        case extensionOf(String)
        case extensionNumbers(String)
        case services, none
    }

    /// The response to one request; throws where the request is not a message of the service.
    public static func answer(_ request: UnsafeRawBufferPointer) throws(GRPCStatus) -> [UInt8] {
        var question = Question.none
        var host = ""
        var fields = ProtobufReader(request)
        while fields.next() {
            guard fields.type == .bytes else { continue }
            switch fields.number {
            case 1: host = try text(fields.bytes)
            case 3: question = .file(try text(fields.bytes))
            case 4: question = .symbol(try text(fields.bytes))
            case 5: question = .extensionOf(try containingType(fields.bytes))
            case 6: question = .extensionNumbers(try text(fields.bytes))
            case 7: question = .services
            default: break
            }
        }
        if fields.isMalformed { throw malformed }
        var response = ProtobufWriter()
        response.field(1, host)
        response.element(2, bytes: Array(request))
        write(question, &response)
        return response.bytes
    }

    private static let malformed = GRPCStatus(.invalidArgument, "the message is not a ServerReflectionRequest")

    private static func text(_ bytes: UnsafeRawBufferPointer) throws(GRPCStatus) -> String {
        guard UTF8Text.isValid(bytes) else { throw malformed }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func containingType(_ message: UnsafeRawBufferPointer) throws(GRPCStatus) -> String {
        var type = ""
        var fields = ProtobufReader(message)
        while fields.next() {
            if fields.number == 1, fields.type == .bytes { type = try text(fields.bytes) }
        }
        if fields.isMalformed { throw malformed }
        return type
    }

    private static func write(_ question: Question, _ response: inout ProtobufWriter) {
        switch question {
        case .file(let name): write(descriptors[name], "no such file", &response)
        case .symbol(let name): write(fileOfSymbol[name].flatMap { descriptors[$0] }, "no such symbol", &response)
        case .extensionOf: write(nil, "no such extension", &response)
        case .extensionNumbers(let type):
            guard fileOfSymbol[type] != nil else { return write(nil, "no such type", &response) }
            response.message(5) { $0.field(1, type) }
        case .services:
            response.message(6) { list in
                for service in services { list.message(1) { $0.field(1, service) } }
            }
        case .none: write(.invalidArgument, "the request asks for nothing", &response)
        }
    }

    private static func write(_ descriptor: [UInt8]?, _ missing: String, _ response: inout ProtobufWriter) {
        guard let descriptor else { return write(.notFound, missing, &response) }
        response.message(4) { $0.element(1, bytes: descriptor) }
    }

    private static func write(_ code: GRPCStatus.Code, _ message: String, _ response: inout ProtobufWriter) {
        response.message(7) { error in
            error.field(1, UInt64(code.rawValue))
            error.field(2, message)
        }
    }
}
