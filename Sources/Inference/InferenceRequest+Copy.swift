// A second request with the same rows, for whoever answers in the first one's place while it is being scored.

internal import Primitives

extension InferenceRequest {
    /// Takes over everything a client sent. The other's scores may be being written meanwhile; they are not touched.
    public mutating func copy(from other: borrowing InferenceRequest) {
        values.reset()
        values.append(other.values.bytes)
        id.reset()
        id.append(other.id.bytes)
        rowCount = other.rowCount
        valueType = other.valueType
        dialect = other.dialect
        wishes = other.wishes
        wishCount = other.wishCount
        explanation = other.explanation
        outOfRange = other.outOfRange
        timeoutNanos = other.timeoutNanos
        deadline = other.deadline
    }
}
