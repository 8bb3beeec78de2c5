// How a call ends: a code, a sentence for a person, and google.rpc details for a program.
//
//     grpc-status: 3
//     grpc-message: inputs[0].shape: expected [rows, 32], got [1, 31]          percent-encoded
//     grpc-status-details-bin: CAMS…                                           base64 of google.rpc.Status
//
// The details repeat code and message, and say which field was wrong (BadRequest) or when to come back
// (RetryInfo), so that a client need not read sentences.

public struct GRPCStatus: Error, Sendable, Equatable {
    /// The codes of gRPC (`grpc/doc/statuscodes.md`).
    @frozen public enum Code: UInt8, Sendable, CaseIterable {
        case ok, cancelled, unknown, invalidArgument, deadlineExceeded, notFound, alreadyExists, permissionDenied
        case resourceExhausted, failedPrecondition, aborted, outOfRange, unimplemented, `internal`, unavailable
        case dataLoss, unauthenticated

        /// The code's name as the specification writes it.
        public var name: String {
            switch self {
            case .ok: "OK"
            case .cancelled: "CANCELLED"
            case .unknown: "UNKNOWN"
            case .invalidArgument: "INVALID_ARGUMENT"
            case .deadlineExceeded: "DEADLINE_EXCEEDED"
            case .notFound: "NOT_FOUND"
            case .alreadyExists: "ALREADY_EXISTS"
            case .permissionDenied: "PERMISSION_DENIED"
            case .resourceExhausted: "RESOURCE_EXHAUSTED"
            case .failedPrecondition: "FAILED_PRECONDITION"
            case .aborted: "ABORTED"
            case .outOfRange: "OUT_OF_RANGE"
            case .unimplemented: "UNIMPLEMENTED"
            case .internal: "INTERNAL"
            case .unavailable: "UNAVAILABLE"
            case .dataLoss: "DATA_LOSS"
            case .unauthenticated: "UNAUTHENTICATED"
            }
        }

        /// What the code is in the contract's HTTP statuses, for the access log: the way back from `code(httpStatus:)`.
        public var httpStatus: Int {
            switch self {
            case .ok: 200
            case .cancelled: 499
            case .invalidArgument, .outOfRange, .failedPrecondition: 400
            case .deadlineExceeded: 504
            case .notFound: 404
            case .alreadyExists, .aborted: 409
            case .permissionDenied: 403
            case .resourceExhausted: 429
            case .unimplemented: 501
            case .unavailable: 503
            case .unauthenticated: 401
            case .unknown, .internal, .dataLoss: 500
            }
        }
    }

    public var code: Code
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public static let ok = GRPCStatus(.ok, "")

    /// What an HTTP status of the contract is in gRPC.
    public init(httpStatus: Int, _ message: String) {
        self.init(Self.code(httpStatus: httpStatus), message)
    }

    public static func code(httpStatus: Int) -> Code {
        switch httpStatus {
        case 200: .ok
        case 400: .invalidArgument
        case 401: .unauthenticated
        case 403: .permissionDenied
        case 404: .notFound
        case 405, 415, 501: .unimplemented
        case 408, 504: .deadlineExceeded
        case 413, 429, 431: .resourceExhausted
        case 499: .cancelled
        case 503: .unavailable
        default: .internal
        }
    }

    /// The message as `grpc-message` has it: visible ASCII and spaces, everything else and `%` as %XX.
    public var percentEncodedMessage: [UInt8] {
        var result: [UInt8] = []
        for byte in message.utf8 {
            if 0x20...0x7e ~= byte, byte != UInt8(ascii: "%") {
                result.append(byte)
            } else {
                result += [UInt8(ascii: "%"), Self.hexadecimal(byte >> 4), Self.hexadecimal(byte & 15)]
            }
        }
        return result
    }

    private static func hexadecimal(_ digit: UInt8) -> UInt8 {
        digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "A") + digit - 10
    }
}
