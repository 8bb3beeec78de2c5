// LabelEncoder: a table from keys to values, which is what ordinal and target encoders become.
//
//     version 1   classes_strings: a string to its position
//     version 2   keys_strings, keys_int64s, keys_floats to values_…, default_…
//     version 4   also keys_tensor, values_tensor, default_tensor
//
// Values that are strings are labels; nothing that feeds a score has them.

extension GraphLowering {
    enum LabelKeys {
        case strings([String])
        case numbers([Double])

        var count: Int {
            switch self {
            case .strings(let keys): keys.count
            case .numbers(let keys): keys.count
            }
        }
    }

    mutating func labelEncoder(_ reader: inout NodeReader) throws(ModelFormatError) -> GraphValue {
        if reader.opset == 1 {
            guard let names = try reader.strings("classes_strings") else {
                throw reader.error("has no classes_strings")
            }
            let otherwise = Double(try reader.integer("default_int64", default: -1))
            reader.ignore("default_string")
            return try encode(reader, .strings(names), names.indices.map { Double($0) }, otherwise, .int64)
        }
        let keys = try labelKeys(&reader)
        let (values, element) = try labelValues(&reader)
        let otherwise = try labelDefault(&reader, element)
        guard keys.count == values.count else {
            throw reader.error("has \(keys.count) keys and \(values.count) values")
        }
        return try encode(reader, keys, values, otherwise, element)
    }

    private func labelKeys(_ reader: inout NodeReader) throws(ModelFormatError) -> LabelKeys {
        let names = try reader.strings("keys_strings")
        let integers = try reader.integers("keys_int64s")
        let floats = try reader.floats("keys_floats")
        if let names { return .strings(names) }
        if let integers { return .numbers(integers.map { Double($0) }) }
        if let floats { return .numbers(floats) }
        guard let tensor = try reader.tensor("keys_tensor") else { throw reader.error("has no keys") }
        if let names = tensor.strings { return .strings(names) }
        return .numbers(try numbers(tensor, reader))
    }

    private func labelValues(_ reader: inout NodeReader) throws(ModelFormatError) -> ([Double], ONNXElement) {
        if let integers = try reader.integers("values_int64s") { return (integers.map { Double($0) }, .int64) }
        if let floats = try reader.floats("values_floats") { return (floats, .float) }
        guard let tensor = try reader.tensor("values_tensor"), tensor.strings == nil else {
            throw reader.error("must have numbers as values")
        }
        return (try numbers(tensor, reader), tensor.element)
    }

    private func labelDefault(_ reader: inout NodeReader, _ element: ONNXElement) throws(ModelFormatError) -> Double {
        reader.ignore("default_string")
        let integer = try reader.integer("default_int64", default: -1)
        let float = try reader.float("default_float") ?? -0.0
        if let tensor = try reader.tensor("default_tensor") {
            guard tensor.count == 1, tensor.element == element else {
                throw reader.error(attribute: "default_tensor", "must be one \(element)")
            }
            return try numbers(tensor, reader)[0]
        }
        return element.isWhole ? Double(integer) : float
    }

    /// The same table for every column; strings by the codes of their feature.
    mutating func encode(
        _ reader: NodeReader, _ keys: LabelKeys, _ values: [Double], _ otherwise: Double, _ element: ONNXElement
    ) throws(ModelFormatError) -> GraphValue {
        var rows = try rows(0, reader, "numbers or strings") { $0 != .bool }
        guard keys.count <= ModelBounds.parameters / (2 * rows.shape.columns) else {
            throw reader.error("has more than \(ModelBounds.parameters) keys and values for all columns")
        }
        var tables: [LookupTable] = []
        switch keys {
        case .strings(let names):
            guard rows.element == .string else { throw reader.error("takes strings, has \(rows.element)") }
            for feature in rows.features {
                let codes = try codes(of: names, feature: feature)
                tables.append(try table(codes, values, otherwise, reader))
            }
        case .numbers(let numbers):
            guard rows.element != .string else { throw reader.error("takes numbers, has strings") }
            let table = try table(numbers, values, otherwise, reader)
            tables = [LookupTable](repeating: table, count: rows.shape.columns)
        }
        // Keys must not be rounded, values must fit.
        let isWide = tables.contains {
            ($0.keys + $0.values + [otherwise]).contains { Double(Float($0)) != $0 && !$0.isNaN }
        }
        let width: NumberWidth =
            isWide || element.width == .float64 || builder.value(rows.value).width == .float64 ? .float64 : .float32
        let result = builder.append(.lookup(tables: tables), [rows.value], columns: rows.shape.columns, width: width)
        rows.value = builder.convert(result, element.width)
        rows.element = element
        rows.features = []
        return .rows(rows)
    }

    /// A sorted table; a key that is NaN says what becomes of missing values, which else are unknown.
    private func table(
        _ keys: [Double], _ values: [Double], _ otherwise: Double, _ reader: NodeReader
    ) throws(ModelFormatError) -> LookupTable {
        var table = LookupTable(keys: [], values: [], otherwise: otherwise, missing: otherwise)
        var pairs: [(key: Double, value: Double)] = []
        var hasMissing = false
        for (key, value) in zip(keys, values) {
            guard key.isNaN else {
                pairs.append((key, value))
                continue
            }
            guard !hasMissing else { throw reader.error("has a key twice") }
            hasMissing = true
            table.missing = value
        }
        pairs.sort { $0.key < $1.key }
        for (index, pair) in pairs.enumerated() where index > 0 && pairs[index - 1].key == pair.key {
            throw reader.error("has a key twice")
        }
        table.keys = pairs.map { $0.key }
        table.values = pairs.map { $0.value }
        return table
    }
}
