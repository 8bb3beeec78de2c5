// JSON into a `ModelValue`; waits for the JSON module.

enum JSONModelReader {
    static func read(_ bytes: [UInt8], place: String = "") throws(ModelFormatError) -> ModelValue {
        throw ModelFormatError(place, "JSON is not read yet")
    }
}
