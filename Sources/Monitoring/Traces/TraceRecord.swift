// What a request's spans are made of: one record of a reactor's ring, written when the request is answered.
//
//     | TraceRecord | model | version | arm |         recordBytes
//
//     arrived ─── queued ─── started ─── computed ─── ended
//        │           └ queue ───┴ compute ──┴ respond ───┤
//        └──────────────────────── request ──────────────┘
//
// All times are known when a request ends, so whether its spans are kept is decided then, and until then nothing is done
// for them. Texts are copied: the version may be gone when they are read.

internal import Glibc

public struct TraceRecord {
    /// What was asked, by the protocol's own name for it.
    public enum Operation: UInt8, Sendable {
        case infer, predict, modelInfer, unknown

        var name: String {
            switch self {
            case .infer: "POST /v2/models/{model}/infer"
            case .predict: "POST /v1/models/{model}:predict"
            case .modelInfer: "inference.GRPCInferenceService/ModelInfer"
            case .unknown: "POST"
            }
        }

        /// The path's form; nil: it is gRPC's, or nobody knows it.
        var route: String? {
            switch self {
            case .infer: "/v2/models/{model}/infer"
            case .predict: "/v1/models/{model}:predict"
            case .modelInfer, .unknown: nil
            }
        }
    }

    /// 16 bytes, as two numbers in their order.
    public var trace: (high: UInt64, low: UInt64) = (0, 0)
    /// The request's span.
    public var span: UInt64 = 0
    /// The caller's; 0: there is none.
    public var parent: UInt64 = 0
    /// In nanoseconds of the monotonic clock: the request's first bytes, and its encoded answer.
    public var arrivedAt: UInt64 = 0
    public var endedAt: UInt64 = 0
    /// When it began to wait for its batch; 0: it never did.
    public var queuedAt: UInt64 = 0
    /// When its batch began and ended; 0: it was never scored.
    public var startedAt: UInt64 = 0
    public var computedAt: UInt64 = 0
    /// `outcome` of serin_requests_total.
    public var outcome: StaticString = ""
    public var rows: UInt32 = 0
    /// Of HTTP, for calls too; 0: it has none.
    public var status: UInt16 = 0
    /// Of the trace: bit 0, it is sampled.
    public var flags: UInt8 = 0
    public var operation = Operation.unknown
    public var isHTTP2 = false
    public var isFallback = false
    /// The gateway's fault, or its model's.
    public var isFailed = false
    var modelCount: UInt8 = 0
    var versionCount: UInt8 = 0
    var armCount: UInt8 = 0

    public init() {}

    public static let recordBytes = 352

    /// How many spans it becomes.
    public var spanCount: Int { 1 + (queuedAt > 0 ? 1 : 0) + (computedAt > 0 ? 2 : 0) }

    /// Writes the record and its texts, cut to fit, to a place of `recordBytes`.
    public mutating func write(
        to place: UnsafeMutableRawPointer, model: UnsafeRawBufferPointer, version: UnsafeRawBufferPointer,
        arm: UnsafeRawBufferPointer
    ) {
        var end = MemoryLayout<TraceRecord>.stride
        func copy(_ text: UnsafeRawBufferPointer) -> UInt8 {
            let count = min(text.count, Self.recordBytes - end, 128)
            if let base = text.baseAddress { memcpy(place + end, base, count) }
            end += count
            return UInt8(count)
        }
        (modelCount, versionCount, armCount) = (copy(model), copy(version), copy(arm))
        place.storeBytes(of: self, as: TraceRecord.self)
    }

    /// Model, version and arm behind the record at `place`.
    func texts(at place: UnsafeRawPointer) -> (model: String, version: String, arm: String) {
        var start = MemoryLayout<TraceRecord>.stride
        func next(_ count: UInt8) -> String {
            defer { start += Int(count) }
            return String(decoding: UnsafeRawBufferPointer(start: place + start, count: Int(count)), as: UTF8.self)
        }
        return (next(modelCount), next(versionCount), next(armCount))
    }
}
