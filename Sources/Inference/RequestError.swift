// How a request fails: the status it gets and a sentence for a person.

/// Thrown where a request is refused. The message names the field, what was expected and, where
/// known, the byte offset; it never repeats a value that the client sent.
public struct RequestError: Error, Sendable, Equatable {
    /// HTTP status; gRPC's follows from it.
    public var status: Int
    public var message: String

    public init(_ status: Int, _ message: String) {
        self.status = status
        self.message = message
    }

    public static func badRequest(_ message: String) -> RequestError { RequestError(400, message) }
}
