// A file as google.protobuf.FileDescriptorProto (descriptor.proto), and the names it declares.

extension ProtoFile {
    /// The descriptor, encoded.
    public var descriptor: [UInt8] {
        var file = ProtobufWriter()
        file.field(1, name)
        file.field(2, package)
        for message in messages { file.message(4) { write(message, scope: [], &$0) } }
        for list in enums { file.message(5) { Self.write(list, &$0) } }
        for service in services { file.message(6) { write(service, &$0) } }
        file.field(12, "proto3")
        return file.bytes
    }

    private func write(_ message: ProtoMessage, scope: [ProtoMessage], _ out: inout ProtobufWriter) {
        let scope = scope + [message]
        var oneofs: [String] = []
        for case let oneof? in message.fields.map(\.oneof) where !oneofs.contains(oneof) { oneofs.append(oneof) }
        out.field(1, message.name)
        for field in message.fields { out.message(2) { write(field, scope, oneofs, &$0) } }
        for inner in message.messages { out.message(3) { write(inner, scope: scope, &$0) } }
        for list in message.enums { out.message(4) { Self.write(list, &$0) } }
        if message.isMapEntry { out.message(7) { $0.field(7, true) } }
        for oneof in oneofs { out.message(8) { $0.field(1, oneof) } }
    }

    private func write(
        _ field: ProtoField, _ scope: [ProtoMessage], _ oneofs: [String], _ out: inout ProtobufWriter
    ) {
        out.field(1, field.name)
        out.field(3, UInt64(field.number))
        out.field(4, field.isRepeated ? 3 as UInt64 : 1)
        if let scalar = Self.scalars[field.type] {
            out.field(5, scalar)
        } else {
            let (fullName, isEnum) = resolve(field.type, scope)
            out.field(5, isEnum ? 14 as UInt64 : 11)
            out.field(6, fullName)
        }
        // The first oneof has the index 0, which is written: the field is optional in descriptor.proto.
        if let oneof = field.oneof, let index = oneofs.firstIndex(of: oneof) { out.present(9, UInt64(index)) }
        out.field(10, field.jsonName)
    }

    private static let scalars: [String: UInt64] = [
        "double": 1, "float": 2, "int64": 3, "uint64": 4, "int32": 5, "bool": 8, "string": 9, "bytes": 12, "uint32": 13,
    ]

    /// The full name of a message or an enum, looked for from the inside out.
    private func resolve(_ type: String, _ scope: [ProtoMessage]) -> (name: String, isEnum: Bool) {
        var path = scope
        while let inner = path.last {
            let prefix = ".\(package)." + path.map(\.name).joined(separator: ".")
            if inner.messages.contains(where: { $0.name == type }) { return ("\(prefix).\(type)", false) }
            if inner.enums.contains(where: { $0.name == type }) { return ("\(prefix).\(type)", true) }
            path.removeLast()
        }
        let isEnum = enums.contains { $0.name == type }
        precondition(isEnum || messages.contains { $0.name == type }, "\(name) has no type \(type)")
        return (".\(package).\(type)", isEnum)
    }

    private static func write(_ list: ProtoEnum, _ out: inout ProtobufWriter) {
        out.field(1, list.name)
        for (number, value) in list.values.enumerated() {
            out.message(2) { entry in
                entry.field(1, value)
                entry.present(2, UInt64(number))
            }
        }
    }

    private func write(_ service: ProtoService, _ out: inout ProtobufWriter) {
        out.field(1, service.name)
        for method in service.methods {
            out.message(2) { entry in
                entry.field(1, method.name)
                entry.field(2, ".\(package).\(method.input)")
                entry.field(3, ".\(package).\(method.output)")
                entry.field(5, method.streamsIn)
                entry.field(6, method.streamsOut)
            }
        }
    }

    /// The full names of everything declared here: messages, enums, services and methods.
    public var symbols: [String] {
        var names: [String] = []
        func add(_ message: ProtoMessage, _ prefix: String) {
            let name = "\(prefix).\(message.name)"
            names.append(name)
            names += message.fields.map { "\(name).\($0.name)" } + message.enums.map { "\(name).\($0.name)" }
            for inner in message.messages { add(inner, name) }
        }
        for message in messages { add(message, package) }
        names += enums.map { "\(package).\($0.name)" }
        for service in services {
            names.append("\(package).\(service.name)")
            names += service.methods.map { "\(package).\(service.name).\($0.name)" }
        }
        return names
    }
}
