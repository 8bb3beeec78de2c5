// Messages and services as data: what reflection hands out.
//
//     ProtoMessage("InferParameter", ["oneof parameter_choice: bool bool_param = 1", …])
//
// A field is written as a .proto file has it, so that this reads like one; `ProtoFile+Descriptor` makes
// of it the google.protobuf.FileDescriptorProto that protoc would make. A field that cannot be read
// is our own mistake, and stops the first test that asks.

public struct ProtoFile: Sendable {
    public var name: String
    public var package: String
    public var messages: [ProtoMessage]
    public var enums: [ProtoEnum] = []
    public var services: [ProtoService] = []
}

public struct ProtoMessage: Sendable {
    public var name: String
    public var fields: [ProtoField]
    public var messages: [ProtoMessage] = []
    public var enums: [ProtoEnum] = []
    /// The pairs of a map field.
    var isMapEntry = false

    /// `fields`: `string name = 1`, `repeated int64 shape = 3`, `map<string, M> parameters = 4` or, with the name of
    /// its oneof in front, `oneof choice: bool flag = 1`.
    init(_ name: String, _ fields: [String], messages: [ProtoMessage] = [], enums: [ProtoEnum] = []) {
        self.name = name
        self.fields = fields.map(ProtoField.init)
        self.messages = messages
        self.enums = enums
        for (index, field) in self.fields.enumerated() {
            guard let value = field.mapValue else { continue }
            var entry = ProtoMessage(field.mapEntryName, ["string key = 1", "\(value) value = 2"])
            entry.isMapEntry = true
            self.messages.append(entry)
            self.fields[index].type = entry.name
            self.fields[index].isRepeated = true
        }
    }
}

public struct ProtoField: Sendable {
    public var name: String
    public var number: Int
    /// A scalar's name, or a message's or an enum's.
    public var type: String
    public var isRepeated = false
    public var oneof: String?
    /// The type of a map's values.
    var mapValue: String?

    init(_ text: String) {
        var rest = Substring(text)
        if rest.hasPrefix("oneof ") {
            let parts = rest.dropFirst(6).split(separator: ":", maxSplits: 1)
            oneof = String(parts[0])
            rest = parts[1].drop { $0 == " " }
        }
        let sides = rest.split(separator: "=")
        precondition(sides.count == 2, "a field is: type name = number, got \(text)")
        var words = sides[0].split(separator: " ")
        if words[0] == "repeated" {
            isRepeated = true
            words.removeFirst()
        }
        name = String(words[words.count - 1])
        type = words.dropLast().joined(separator: " ")
        number = Int(sides[1].drop { $0 == " " }) ?? 0
        precondition(number > 0, "a field has a number, got \(text)")
        if type.hasPrefix("map<string, ") { mapValue = String(type.dropFirst(12).dropLast()) }
    }

    /// `parameters` → `ParametersEntry`, as protoc names it.
    var mapEntryName: String { Self.camelCase(name, capitalized: true) + "Entry" }
    var jsonName: String { Self.camelCase(name, capitalized: false) }

    private static func camelCase(_ name: String, capitalized: Bool) -> String {
        var result = ""
        var isUpper = capitalized
        for character in name {
            if character == "_" {
                isUpper = true
            } else {
                result += isUpper ? character.uppercased() : String(character)
                isUpper = false
            }
        }
        return result
    }
}

public struct ProtoEnum: Sendable {
    public var name: String
    /// The values 0, 1, 2, …
    public var values: [String]
}

public struct ProtoService: Sendable {
    public var name: String
    public var methods: [ProtoMethod]
}

public struct ProtoMethod: Sendable {
    public var name: String
    public var input: String
    public var output: String
    public var streamsIn = false
    public var streamsOut = false

    /// `input` and `output`: `nameRequest` and `nameResponse` unless told otherwise.
    init(
        _ name: String, input: String? = nil, output: String? = nil, streamsIn: Bool = false, streamsOut: Bool = false
    ) {
        self.name = name
        self.input = input ?? name + "Request"
        self.output = output ?? name + "Response"
        self.streamsIn = streamsIn
        self.streamsOut = streamsOut
    }
}
