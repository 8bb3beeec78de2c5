// ai.onnx.ml's preprocessing: scaling, imputing, encoding.  Its outputs are float, whatever comes in.

extension GraphLowering {
    /// One number for all columns, or one for each.
    func perColumn(
        _ values: [Double], _ columns: Int, _ name: String, _ reader: NodeReader
    ) throws(ModelFormatError) -> [Double] {
        guard values.count == 1 || values.count == columns else {
            throw reader.error(attribute: name, "must have 1 or \(columns) numbers, has \(values.count)")
        }
        return values.count == columns ? values : [Double](repeating: values[0], count: columns)
    }

    mutating func scaler(_ reader: inout NodeReader) throws(ModelFormatError) -> GraphValue {
        var rows = try numberMatrix(0, reader)
        guard let offset = try reader.floats("offset"), let scale = try reader.floats("scale") else {
            throw reader.error("must have offset and scale")
        }
        let columns = rows.shape.columns
        let offsets = try perColumn(offset, columns, "offset", reader)
        let scales = try perColumn(scale, columns, "scale", reader)
        // ONNX Runtime scales doubles as doubles and rounds the result.
        let source = rows.element == .double ? rows.value : builder.convert(rows.value, .float32)
        let scaled = builder.pointwise(.scale(offsets: offsets, scales: scales), source)
        rows.value = builder.convert(scaled, .float32)
        rows.element = .float
        return .rows(rows)
    }

    mutating func imputer(_ reader: inout NodeReader) throws(ModelFormatError) -> GraphValue {
        var rows = try numberMatrix(0, reader)
        let floats = try reader.floats("imputed_value_floats")
        let integers = try reader.integers("imputed_value_int64s")
        let floatMarker = try reader.float("replaced_value_float") ?? 0
        let integerMarker = try reader.integer("replaced_value_int64") ?? 0
        let name = rows.element.isWhole ? "imputed_value_int64s" : "imputed_value_floats"
        guard let listed = rows.element.isWhole ? integers?.map({ Double($0) }) : floats else {
            throw reader.error("must have \(name)")
        }
        let marker = rows.element.isWhole ? Double(integerMarker) : floatMarker
        let values = try perColumn(listed, rows.shape.columns, name, reader)
        if marker.isNaN {
            rows.value = builder.pointwise(.impute(values: values, marker: .nan), rows.value)
            return .rows(rows)
        }
        // `impute` would also replace NaN, which is none of this node's business.
        let width = builder.value(rows.value).width
        let isMarker = isEqual(rows.value, marker, columns: values.count, width)
        rows.value = builder.append(
            .choose, [isMarker, builder.constant(values, width: width), rows.value], columns: values.count, width: width
        )
        return .rows(rows)
    }

    /// 1 where a column is `number`, which may be infinite: then it is what lies above every finite number.
    private mutating func isEqual(_ value: Int, _ number: Double, columns: Int, _ width: NumberWidth) -> Int {
        guard number.isInfinite else {
            let numbers = builder.constant([Double](repeating: number, count: columns), width: width)
            return builder.append(.compare(.equal), [value, numbers], columns: columns, width: width)
        }
        let largest = width == .float32 ? Double(Float.greatestFiniteMagnitude) : .greatestFiniteMagnitude
        let source = number > 0 ? value : builder.activation(.negate, value)
        return builder.pointwise(.binarize(thresholds: [Double](repeating: largest, count: columns)), source)
    }

    mutating func normalizer(_ reader: inout NodeReader) throws(ModelFormatError) -> GraphValue {
        var rows = try numberMatrix(0, reader)
        let norms = ["MAX": Operation.Norm.largest, "L1": .l1, "L2": .l2]
        let norm = norms[try reader.word("norm", default: "MAX", of: norms.keys.sorted())]!
        rows.value = builder.pointwise(.normalize(norm), builder.convert(rows.value, .float32))
        rows.element = .float
        return .rows(rows)
    }

    mutating func binarizer(_ reader: inout NodeReader) throws(ModelFormatError) -> GraphValue {
        var rows = try numberMatrix(0, reader)
        let threshold = try reader.float("threshold") ?? 0
        let thresholds = [Double](repeating: threshold, count: rows.shape.columns)
        rows.value = builder.pointwise(.binarize(thresholds: thresholds), rows.value)
        return .rows(rows)
    }

    mutating func zipMap(_ reader: inout NodeReader) throws(ModelFormatError) -> GraphValue {
        try noteClasses(&reader, strings: "classlabels_strings", integers: "classlabels_int64s")
        return .rows(try reals(0, reader))
    }

    /// Remembers the classes' names that a node lists.
    mutating func noteClasses(
        _ reader: inout NodeReader, strings: String, integers: String
    ) throws(ModelFormatError) {
        let names = try reader.strings(strings)
        let numbers = try reader.integers(integers)
        guard names == nil || numbers == nil else { throw reader.error("must not have \(strings) and \(integers)") }
        classNames = names ?? numbers?.map { "\($0)" } ?? []
    }

    mutating func oneHotEncoder(_ reader: inout NodeReader) throws(ModelFormatError) -> GraphValue {
        let rows = try rows(0, reader, "numbers or strings") { $0 != .bool }
        let names = try reader.strings("cats_strings")
        let numbers = try reader.integers("cats_int64s")
        if try !reader.flag("zeros", default: true) {
            notes.append(
                "\(reader.node.place): ONNX refuses a row with an unknown category, here it is all zeros; "
                    + "`unknown: reject` of the manifest refuses it")
        }
        let count = (rows.element == .string ? names?.count : numbers?.count) ?? 0
        guard count > 0 else {
            throw reader.error("must have \(rows.element == .string ? "cats_strings" : "cats_int64s")")
        }
        let shape = try shape(rows.shape.dimensions + [.count(count)], reader)
        var source = rows.value
        var categories: [[Double]] = []
        if rows.element == .string {
            try checkDistinct(names!, "cats_strings", reader)
            for feature in rows.features { categories.append(try codes(of: names!, feature: feature)) }
        } else {
            try checkDistinct(numbers!, "cats_int64s", reader)
            let exact = numbers!.compactMap { Double(exactly: $0) }
            guard exact.count == count else { throw reader.error(attribute: "cats_int64s", "must be below 2^53") }
            categories = [[Double]](repeating: exact, count: rows.shape.columns)
            if rows.element.isReal { source = builder.activation(.truncate, source) }
            if exact.contains(where: { $0.magnitude > 0x1p23 }) { source = builder.convert(source, .float64) }
        }
        let result = builder.append(
            .oneHot(categories: categories), [source], columns: shape.columns, width: builder.value(source).width)
        return .rows(RowTensor(value: builder.convert(result, .float32), shape: shape, element: .float))
    }

    private func checkDistinct<Value: Hashable>(
        _ values: [Value], _ name: String, _ reader: NodeReader
    ) throws(ModelFormatError) {
        guard Set(values).count == values.count else { throw reader.error(attribute: name, "has a value twice") }
    }

    mutating func categoryMapper(_ reader: inout NodeReader) throws(ModelFormatError) -> GraphValue {
        guard let names = try reader.strings("cats_strings"), let numbers = try reader.integers("cats_int64s"),
            names.count == numbers.count
        else { throw reader.error("must have as many cats_strings as cats_int64s") }
        let otherwise = Double(try reader.integer("default_int64", default: -1))
        reader.ignore("default_string")
        try checkDistinct(names, "cats_strings", reader)
        return try encode(reader, .strings(names), numbers.map { Double($0) }, otherwise, .int64)
    }
}
