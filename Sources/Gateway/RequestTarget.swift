// What a request's path asks for.
//
//     /v2/models/NAME[/versions/V][/infer|/ready|/config|/stats], /v2/models/stats        Open Inference Protocol
//     /v1/models/NAME[/versions/V|/labels/L][:predict]                                    TensorFlow Serving, KServe
//     /v1/models/NAME:feedback                                                            labels
//
// Names and versions stay bytes of the path: they need no decoding, since a model's name is made of
// letters, digits, dots, dashes and underscores (contract), which nobody has to escape.

import Glibc

/// What a path can name.
enum Endpoint: UInt8 {
    case alive
    case serverMetadata, serverLive, serverReady, allStatistics
    case modelMetadata, modelReady, modelConfiguration, modelStatistics, infer
    case modelList, modelStatus, predict, feedback
    /// gRPC's; the message names the model.
    case modelInfer
    case unknown

    /// The only method it answers, besides HEAD where it answers GET.
    var takesPOST: Bool { self == .infer || self == .predict || self == .feedback }
}

struct RequestTarget {
    var endpoint = Endpoint.unknown
    /// The model's name and version as they stand in the path; empty where there is none.
    var model = UnsafeRawBufferPointer(start: nil, count: 0)
    var version = UnsafeRawBufferPointer(start: nil, count: 0)
    /// The label of a version, in its place.
    var label = UnsafeRawBufferPointer(start: nil, count: 0)

    /// A model that a call's message names.
    init(_ endpoint: Endpoint, model: UnsafeRawBufferPointer, version: UnsafeRawBufferPointer) {
        self.endpoint = endpoint
        self.model = model
        self.version = version
    }

    /// Reads a request target; a query is ignored.
    init(_ target: UnsafeRawBufferPointer) {
        var path = PathReader(target)
        if path.isAtEnd || path.takes("/", exactly: true) {
            endpoint = .alive
        } else if path.takes("/v2") {
            readV2(&path)
        } else if path.takes("/v1/models") {
            readV1(&path)
        }
    }

    private mutating func readV2(_ path: inout PathReader) {
        if path.isAtEnd || path.takes("/", exactly: true) {
            endpoint = .serverMetadata
        } else if path.takes("/health/live", exactly: true) {
            endpoint = .serverLive
        } else if path.takes("/health/ready", exactly: true) {
            endpoint = .serverReady
        } else if path.takes("/models/stats", exactly: true) {
            endpoint = .allStatistics  // and no model of that name, as with Triton
        } else if path.takes("/models/") {
            model = path.segment()
            if path.takes("/versions/") {
                version = path.segment()
                if version.isEmpty { return }
            }
            endpoint = Self.v2ModelEndpoint(&path)
        }
        if model.isEmpty && endpoint.rawValue >= Endpoint.modelMetadata.rawValue { endpoint = .unknown }
    }

    private static func v2ModelEndpoint(_ path: inout PathReader) -> Endpoint {
        if path.takes("/infer", exactly: true) { return .infer }
        if path.isAtEnd { return .modelMetadata }
        if path.takes("/ready", exactly: true) { return .modelReady }
        if path.takes("/config", exactly: true) { return .modelConfiguration }
        if path.takes("/stats", exactly: true) { return .modelStatistics }
        return .unknown
    }

    private mutating func readV1(_ path: inout PathReader) {
        if path.isAtEnd {
            endpoint = .modelList
            return
        }
        guard path.takes("/") else { return }
        model = path.segment()
        if path.takes("/versions/") {
            version = path.segment()
            if version.isEmpty { return }
        } else if path.takes("/labels/") {
            label = path.segment()
            if label.isEmpty { return }
        }
        if model.isEmpty { return }
        if path.isAtEnd, label.isEmpty {
            endpoint = .modelStatus
        } else if path.takes(":predict", exactly: true) {
            endpoint = .predict
        } else if version.isEmpty, label.isEmpty, path.takes(":feedback", exactly: true) {
            endpoint = .feedback
        }
    }
}

/// Steps through a path.
private struct PathReader {
    private let base: UnsafeRawPointer?
    private var index = 0
    private let end: Int

    init(_ target: UnsafeRawBufferPointer) {
        base = target.baseAddress
        var end = target.count
        if let base, let query = memchr(base, 63, target.count) { end = UnsafeRawPointer(query) - base }
        self.end = end
    }

    var isAtEnd: Bool { index == end }

    /// Moves past `literal` if it comes next; `exactly`: and nothing follows it.
    mutating func takes(_ literal: StaticString, exactly: Bool = false) -> Bool {
        let count = literal.utf8CodeUnitCount
        guard let base, index + count <= end, !exactly || index + count == end,
            memcmp(base + index, literal.utf8Start, count) == 0
        else { return false }
        index += count
        return true
    }

    /// The bytes up to the next slash or colon.
    mutating func segment() -> UnsafeRawBufferPointer {
        let start = index
        while index < end, let byte = base?.load(fromByteOffset: index, as: UInt8.self), byte != 47, byte != 58 {
            index += 1
        }
        return UnsafeRawBufferPointer(start: base.map { $0 + start }, count: index - start)
    }
}
