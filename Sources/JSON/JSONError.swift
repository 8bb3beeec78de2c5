// Why a document is not JSON, and where.

public struct JSONError: Error, Sendable, Equatable {
    /// Bytes in front of the place where the document stops being JSON.
    public var offset: Int
    /// What was expected there; never what stood there.
    public var message: String

    public init(offset: Int, message: String) {
        self.offset = offset
        self.message = message
    }
}
