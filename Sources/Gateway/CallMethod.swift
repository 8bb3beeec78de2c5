// The gRPC methods that are served, told by a call's path; and what is counted of them.

import GRPC
import Glibc
import Telemetry

enum CallMethod: Int, CaseIterable {
    case modelInfer, serverLive, serverReady, modelReady, serverMetadata, modelMetadata, modelConfiguration
    case modelStatistics, healthCheck, healthList, healthWatch, reflection, reflectionAlpha
    case unknown

    private static let inference: StaticString = "/inference.GRPCInferenceService/"
    private static let health: StaticString = "/grpc.health.v1.Health/"

    init(_ path: UnsafeRawBufferPointer) {
        if let name = Self.behind(Self.inference, path) {
            self = Self.inferenceMethod(name)
        } else if let name = Self.behind(Self.health, path) {
            self = Self.healthMethod(name)
        } else if Self.behind("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", path)?.isEmpty == true {
            self = .reflection
        } else if Self.behind("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", path)?.isEmpty == true {
            self = .reflectionAlpha
        } else {
            self = .unknown
        }
    }

    private static func inferenceMethod(_ name: UnsafeRawBufferPointer) -> CallMethod {
        if equals(name, "ModelInfer") { return .modelInfer }
        if equals(name, "ServerLive") { return .serverLive }
        if equals(name, "ServerReady") { return .serverReady }
        if equals(name, "ModelReady") { return .modelReady }
        if equals(name, "ServerMetadata") { return .serverMetadata }
        if equals(name, "ModelMetadata") { return .modelMetadata }
        if equals(name, "ModelConfig") { return .modelConfiguration }
        return equals(name, "ModelStatistics") ? .modelStatistics : .unknown
    }

    private static func healthMethod(_ name: UnsafeRawBufferPointer) -> CallMethod {
        if equals(name, "Check") { return .healthCheck }
        if equals(name, "Watch") { return .healthWatch }
        return equals(name, "List") ? .healthList : .unknown
    }

    /// What follows `prefix`; nil: the path begins with something else.
    private static func behind(_ prefix: StaticString, _ path: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let count = prefix.utf8CodeUnitCount
        guard path.count >= count, let base = path.baseAddress, memcmp(base, prefix.utf8Start, count) == 0 else {
            return nil
        }
        return UnsafeRawBufferPointer(start: base + count, count: path.count - count)
    }

    private static func equals(_ name: UnsafeRawBufferPointer, _ literal: StaticString) -> Bool {
        name.count == literal.utf8CodeUnitCount && behind(literal, name) != nil
    }

    /// A path of a service that is served, whatever its method: for requests that are no calls.
    static func isOfAService(_ path: UnsafeRawBufferPointer) -> Bool {
        behind(inference, path) != nil || behind(health, path) != nil || behind("/grpc.reflection.", path) != nil
    }

    var label: String {
        switch self {
        case .modelInfer: "ModelInfer"
        case .serverLive: "ServerLive"
        case .serverReady: "ServerReady"
        case .modelReady: "ModelReady"
        case .serverMetadata: "ServerMetadata"
        case .modelMetadata: "ModelMetadata"
        case .modelConfiguration: "ModelConfig"
        case .modelStatistics: "ModelStatistics"
        case .healthCheck: "Health/Check"
        case .healthList: "Health/List"
        case .healthWatch: "Health/Watch"
        case .reflection, .reflectionAlpha: "ServerReflectionInfo"
        case .unknown: ""
        }
    }
}

/// A counter for each method and code.
// SAFETY: written in init only; every reactor reads it while its metrics, which own the memory, live.
struct CallCounters: @unchecked Sendable {
    private let counters: UnsafeMutablePointer<CounterID>
    private let memory: Memory

    /// Frees the counters with the last copy.
    private final class Memory {
        let counters: UnsafeMutablePointer<CounterID>

        init(count: Int) { counters = .allocate(capacity: count) }

        deinit { counters.deallocate() }
    }

    init(_ registry: MetricsRegistry) throws(MetricsError) {
        let codes = GRPCStatus.Code.allCases
        memory = Memory(count: CallMethod.allCases.count * codes.count)
        counters = memory.counters
        for method in CallMethod.allCases {
            for code in codes {
                let id = try registry.counter(
                    "serin_grpc_calls_total", "gRPC calls by method and code; an unknown method has no name.",
                    labels: [("method", method.label), ("code", code.name)])
                (counters + method.rawValue * codes.count + Int(code.rawValue)).initialize(to: id)
            }
        }
    }

    subscript(method: CallMethod, code: GRPCStatus.Code) -> CounterID {
        counters[method.rawValue * 17 + Int(code.rawValue)]
    }
}
