// A value with its place in the file, so that whoever reads it can refuse it by name.
//
//     let model = try root.member("learner").member("gradient_booster")
//     try model.member("trees").element(3).member("left_children").integers()
//     // learner.gradient_booster.trees[3].left_children[7]: must be …

struct ModelField {
    let value: ModelValue
    let place: String

    func error(_ message: String) -> ModelFormatError { ModelFormatError(place, message) }

    private func expected(_ what: String) -> ModelFormatError { error("must be \(what), is \(value.kind)") }

    /// The member of that name, which must be there.
    func member(_ key: String) throws(ModelFormatError) -> ModelField {
        guard case .object(let members) = value else { throw expected("an object") }
        guard let value = members[key] else { throw error("`\(key)` is missing") }
        return ModelField(value: value, place: path(key))
    }

    /// The member of that name, or nil.
    func optional(_ key: String) throws(ModelFormatError) -> ModelField? {
        guard case .object(let members) = value else { throw expected("an object") }
        return members[key].map { ModelField(value: $0, place: path(key)) }
    }

    private func path(_ key: String) -> String { place.isEmpty ? key : "\(place).\(key)" }

    func string() throws(ModelFormatError) -> String {
        guard case .string(let string) = value else { throw expected("a string") }
        return string
    }

    /// A whole number within `range`, written as a number or (as XGBoost's parameters are) as text.
    func integer(_ range: ClosedRange<Int>) throws(ModelFormatError) -> Int {
        let integer: Int?
        switch value {
        case .integer(let number): integer = Int(number)
        case .string(let text): integer = Int(text)
        default: integer = nil
        }
        guard let integer, range.contains(integer) else {
            throw error("must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return integer
    }

    /// An array's length.
    func count() throws(ModelFormatError) -> Int {
        switch value {
        case .integers(let values): values.count
        case .numbers(let values): values.count
        case .tape(let values): values.count
        case .packed(let packed): packed.count
        case .array(let values): values.count
        default: throw expected("an array")
        }
    }

    /// An element of an array of other than numbers; `index` must be in range.
    func element(_ index: Int) throws(ModelFormatError) -> ModelField {
        guard case .array(let values) = value else { throw expected("an array of objects or strings") }
        return ModelField(value: values[index], place: "\(place)[\(index)]")
    }

    /// An array of whole numbers that fit 32 bits; `count`: its length, where that is known.
    func integers(count: Int? = nil) throws(ModelFormatError) -> [Int32] {
        try checkCount(count)
        switch value {
        case .integers(let values): return try narrow(values.count) { values[$0] }
        case .tape(let values) where values.areIntegers: return try narrow(values.count) { values.integer($0) }
        case .packed(let packed) where packed.element.isInteger: return try narrow(packed.count) { packed.integer($0) }
        case .array(let values): return try narrow(values.count) { values[$0].asInteger }
        default: throw expected("an array of whole numbers")
        }
    }

    /// An array of numbers, rounded to float32; what does not fit is not finite then.
    func floats(count: Int? = nil) throws(ModelFormatError) -> [Float] {
        try checkCount(count)
        switch value {
        case .integers(let values): return values.map { Float($0) }
        case .numbers(let values): return values.map { Float($0) }
        case .tape(let values): return (0..<values.count).map { Float(values.number($0)) }
        case .packed(let packed): return packed.floats()
        case .array(let values): return try values.map { value throws(ModelFormatError) in try float(value) }
        default: throw expected("an array of numbers")
        }
    }

    /// An element of an array that is not all plain numbers.
    private func float(_ value: ModelValue) throws(ModelFormatError) -> Float {
        switch value {
        case .integer(let integer): return Float(integer)
        case .number(let number): return Float(number)
        case .string(let text):
            if let number = NonFiniteTokens.number(text) { return Float(number) }
        default: break
        }
        throw expected("an array of numbers")
    }

    private func checkCount(_ expected: Int?) throws(ModelFormatError) {
        guard let expected else { return }
        let count = try count()
        if count != expected { throw error("must have \(expected) elements, has \(count)") }
    }

    private func narrow(_ count: Int, _ element: (Int) -> Int64?) throws(ModelFormatError) -> [Int32] {
        var narrow: [Int32] = []
        narrow.reserveCapacity(count)
        for index in 0..<count {
            guard let wide = element(index), let integer = Int32(exactly: wide) else {
                throw ModelFormatError("\(place)[\(index)]", "must be a whole number of 32 bits")
            }
            narrow.append(integer)
        }
        return narrow
    }
}

extension ModelValue {
    /// Older files write 0 and 1 as false and true.
    fileprivate var asInteger: Int64? {
        switch self {
        case .integer(let integer): integer
        case .boolean(let boolean): boolean ? 1 : 0
        default: nil
        }
    }
}
