// Why a call of the admin plane did not do what it was asked: RFC 9457, in words that a person can act on.
//
//     {"type":"urn:serin:problem:stale","title":"…","status":412,"detail":"…","generation":7}

public struct AdminProblem: Error, Sendable, Equatable, CustomStringConvertible {
    /// The last part of `type`; programs tell problems apart by it.
    public var kind: Kind
    /// A sentence that says what is wrong, and where known what to do.
    public var detail: String
    /// The generation in force, where the caller's was another.
    public var generation: UInt64?
    /// More than one thing that is wrong, a sentence each.
    public var problems: [String]

    public enum Kind: String, Sendable, CaseIterable, Codable {
        case badRequest = "bad-request"
        case unauthenticated
        case forbidden
        case notFound = "not-found"
        case methodNotAllowed = "method-not-allowed"
        /// The change contradicts what is in force: a version in use, one that is not loaded.
        case conflict
        /// `If-Match` names another generation.
        case stale
        case tooLarge = "too-large"
        case unsupportedMediaType = "unsupported-media-type"
        /// The bundle did not pass the gate.
        case refused
        case unprocessable
        case tooMany = "too-many-attempts"
        /// `If-Match` is missing.
        case preconditionRequired = "precondition-required"
        case internalError = "internal"
        /// The state cannot be written, or something lowered is not written yet.
        case unavailable

        public var status: Int {
            switch self {
            case .badRequest: 400
            case .unauthenticated: 401
            case .forbidden: 403
            case .notFound: 404
            case .methodNotAllowed: 405
            case .conflict: 409
            case .stale: 412
            case .tooLarge: 413
            case .unsupportedMediaType: 415
            case .refused, .unprocessable: 422
            case .preconditionRequired: 428
            case .tooMany: 429
            case .internalError: 500
            case .unavailable: 503
            }
        }

        public var title: String {
            switch self {
            case .badRequest: "The request cannot be read"
            case .unauthenticated: "Authentication is needed"
            case .forbidden: "The role does not allow it"
            case .notFound: "There is no such thing"
            case .methodNotAllowed: "The method is not one of this path's"
            case .conflict: "It contradicts what is in force"
            case .stale: "It has changed meanwhile"
            case .tooLarge: "The body is too large"
            case .unsupportedMediaType: "The body is not JSON"
            case .refused: "The bundle stays out"
            case .unprocessable: "The values are not allowed"
            case .preconditionRequired: "If-Match is needed"
            case .tooMany: "Too many attempts failed"
            case .internalError: "It failed"
            case .unavailable: "It cannot be done now"
            }
        }
    }

    public init(_ kind: Kind, _ detail: String, generation: UInt64? = nil, problems: [String] = []) {
        self.kind = kind
        self.detail = detail
        self.generation = generation
        self.problems = problems
    }

    public var description: String { detail }
}

/// Who asks, from where and why: what the audit log says of a change.
public struct AdminContext: Sendable, Equatable {
    public var actor: String
    public var origin: String
    public var reason: String
    /// Nothing is to be changed: say what would.
    public var isDryRun: Bool
    /// A call with the same key gets the same answer; nil: none was given.
    public var idempotencyKey: String?
    /// Of the call that has the key.
    public var requestDigest = ""

    public init(actor: String, origin: String, reason: String = "", isDryRun: Bool = false) {
        self.actor = actor
        self.origin = origin
        self.reason = reason
        self.isDryRun = isDryRun
    }
}
