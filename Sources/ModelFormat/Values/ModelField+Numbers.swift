// Doubles, and members that a writer leaves null instead of leaving them out.

extension ModelField {
    /// The member of that name, or nil where it is missing or null.
    func present(_ key: String) throws(ModelFormatError) -> ModelField? {
        guard let field = try optional(key) else { return nil }
        if case .null = field.value { return nil }
        return field
    }

    /// A finite number.
    func number() throws(ModelFormatError) -> Double {
        switch value {
        case .integer(let integer): return Double(integer)
        case .number(let number) where number.isFinite: return number
        default: throw error("must be a finite number")
        }
    }

    /// A number that a float32 can hold, rounded to the nearest.
    func float() throws(ModelFormatError) -> Float {
        let float = Float(try number())
        guard float.isFinite else { throw error("must be a float32 number") }
        return float
    }

    /// An array of finite numbers; `count`: its length, where that is known.
    func numbers(count expected: Int? = nil) throws(ModelFormatError) -> [Double] {
        let numbers: [Double]
        switch value {
        case .integers(let values): numbers = values.map { Double($0) }
        case .numbers(let values): numbers = values
        case .tape(let values): numbers = (0..<values.count).map { values.number($0) }
        case .packed(let packed): numbers = (0..<packed.count).map { packed.number($0) }
        default: throw error("must be an array of numbers")
        }
        if let expected, numbers.count != expected {
            throw error("must have \(expected) elements, has \(numbers.count)")
        }
        if let index = numbers.firstIndex(where: { !$0.isFinite }) {
            throw ModelFormatError("\(place)[\(index)]", "must be a finite number")
        }
        return numbers
    }

    func boolean() throws(ModelFormatError) -> Bool {
        guard case .boolean(let boolean) = value else { throw error("must be true or false, is \(value.kind)") }
        return boolean
    }

    /// An array's elements, objects or strings; null and an empty array have none.
    func elements() throws(ModelFormatError) -> [ModelField] {
        if case .null = value { return [] }
        var elements: [ModelField] = []
        for index in 0..<(try count()) { elements.append(try element(index)) }
        return elements
    }

    /// The names of an object's members, ascending.
    func keys() throws(ModelFormatError) -> [String] {
        guard case .object(let members) = value else { throw error("must be an object, is \(value.kind)") }
        return members.keys.sorted()
    }
}
