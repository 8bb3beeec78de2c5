// A node's attributes, read by name and type.
//
// Every attribute that is there must be asked for: one that an operator does not know may change
// what it computes.  `finish` refuses what is left.

struct NodeReader {
    let node: ONNXNode
    /// The version of the node's domain.
    let opset: Int
    private var unread: Set<String>

    init(node: ONNXNode, opset: Int) {
        self.node = node
        self.opset = opset
        unread = Set(node.attributes.keys)
    }

    /// `graph.node[3] (scaler): Scaler …`
    func error(_ message: String) -> ModelFormatError {
        ModelFormatError(node.place, "\(node.operatorName) \(message)")
    }

    func error(attribute: String, _ message: String) -> ModelFormatError {
        ModelFormatError("\(node.place).attribute[\(attribute)]", "of \(node.operatorName) \(message)")
    }

    private mutating func take(_ name: String) -> ONNXAttribute? {
        unread.remove(name)
        return node.attributes[name]
    }

    mutating func integer(_ name: String) throws(ModelFormatError) -> Int? {
        guard let attribute = take(name) else { return nil }
        guard case .integer(let value) = attribute else { throw error(attribute: name, "must be an int") }
        return Int(value)
    }

    mutating func integer(_ name: String, default fallback: Int) throws(ModelFormatError) -> Int {
        try integer(name) ?? fallback
    }

    mutating func flag(_ name: String, default fallback: Bool) throws(ModelFormatError) -> Bool {
        let value = try integer(name, default: fallback ? 1 : 0)
        guard value == 0 || value == 1 else { throw error(attribute: name, "must be 0 or 1") }
        return value == 1
    }

    mutating func float(_ name: String) throws(ModelFormatError) -> Double? {
        guard let attribute = take(name) else { return nil }
        guard case .float(let value) = attribute else { throw error(attribute: name, "must be a float") }
        return value
    }

    mutating func string(_ name: String) throws(ModelFormatError) -> String? {
        guard let attribute = take(name) else { return nil }
        guard case .string(let value) = attribute else { throw error(attribute: name, "must be a string") }
        return value
    }

    /// One of `values`.
    mutating func word(
        _ name: String, default fallback: String, of values: [String]
    ) throws(ModelFormatError) -> String {
        let value = try string(name) ?? fallback
        guard values.contains(value) else {
            throw error(attribute: name, "is `\(value)`; supported are \(values.joined(separator: ", "))")
        }
        return value
    }

    mutating func tensor(_ name: String) throws(ModelFormatError) -> ONNXTensor? {
        guard let attribute = take(name) else { return nil }
        guard case .tensor(let value) = attribute else { throw error(attribute: name, "must be a tensor") }
        return value
    }

    /// nil: not there; an empty list counts as not there, as writers leave them.
    mutating func floats(_ name: String) throws(ModelFormatError) -> [Double]? {
        guard let attribute = take(name) else { return nil }
        guard case .floats(let values) = attribute else { throw error(attribute: name, "must be floats") }
        return values.isEmpty ? nil : values
    }

    mutating func integers(_ name: String) throws(ModelFormatError) -> [Int64]? {
        guard let attribute = take(name) else { return nil }
        guard case .integers(let values) = attribute else { throw error(attribute: name, "must be ints") }
        return values.isEmpty ? nil : values
    }

    mutating func strings(_ name: String) throws(ModelFormatError) -> [String]? {
        guard let attribute = take(name) else { return nil }
        guard case .strings(let values) = attribute else { throw error(attribute: name, "must be strings") }
        return values.isEmpty ? nil : values
    }

    /// An attribute that says nothing about results.
    mutating func ignore(_ name: String) { unread.remove(name) }

    func finish() throws(ModelFormatError) {
        if let name = unread.min() { throw error(attribute: name, "is not known in version \(opset)") }
    }
}
