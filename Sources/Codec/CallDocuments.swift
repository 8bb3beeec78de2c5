// The gRPC messages that describe the server and its models: `Documents` in protobuf.
//
// Field numbers are InferenceService's and HealthService's (module GRPC). Not the hot path.

public import GRPC
internal import Inference

/// A version's statistics, in Triton's words; durations in ns.
public struct VersionStatistics: Sendable {
    public struct Duration: Sendable {
        public var count: UInt64 = 0
        public var nanos: UInt64 = 0
        public init(count: UInt64 = 0, nanos: UInt64 = 0) {
            self.count = count
            self.nanos = nanos
        }
    }

    public var name: String
    public var version: String
    /// When it ran last, in milliseconds since 1970; 0: never.
    public var lastMillis: UInt64 = 0
    public var rows: UInt64 = 0
    public var executions: UInt64 = 0
    public var success = Duration()
    public var fail = Duration()
    public var queue = Duration()
    /// Of batches, not of requests.
    public var compute = Duration()
    /// Memory of the compiled model.
    public var modelBytes: UInt64 = 0

    public init(name: String, version: String) {
        self.name = name
        self.version = version
    }
}

public enum CallDocuments {
    /// ServerLiveResponse, ServerReadyResponse and ModelReadyResponse.
    public static func flag(_ value: Bool) -> [UInt8] {
        var response = ProtobufWriter()
        response.field(1, value)
        return response.bytes
    }

    public static func serverMetadata(version: String) -> [UInt8] {
        var response = ProtobufWriter()
        response.field(1, "serin")
        response.field(2, version)
        for name in Documents.extensions { response.element(3, name) }
        return response.bytes
    }

    /// `versions` are the ready ones.
    public static func metadata(_ codec: ModelCodec, versions: [String]) -> [UInt8] {
        var response = ProtobufWriter()
        response.field(1, codec.name)
        for version in versions { response.element(2, version) }
        response.field(3, codec.platform)
        response.message(4) {
            tensor(codec.input.name, codec.input.declaredType.datatype, codec.featureCount, &$0)
        }
        for output in Documents.outputs(codec) {
            response.message(5) { tensor(output.name, output.datatype, output.columns, &$0) }
        }
        return response.bytes
    }

    private static func tensor(_ name: String, _ datatype: String, _ columns: Int, _ out: inout ProtobufWriter) {
        out.field(1, name)
        out.field(2, datatype)
        out.packed(3, [-1, Int64(columns)])
    }

    /// `max_batch_size` is 0, which proto3 leaves out: the shapes carry the rows.
    public static func config(_ codec: ModelCodec) -> [UInt8] {
        var response = ProtobufWriter()
        response.message(1) { config in
            config.field(1, codec.name)
            config.field(2, codec.platform)
            config.message(5) { input in
                input.field(1, codec.input.name)
                input.field(2, dataType(codec.input.declaredType.datatype))
                input.packed(4, [-1, Int64(codec.featureCount)])
            }
            for output in Documents.outputs(codec) {
                config.message(6) { entry in
                    entry.field(1, output.name)
                    entry.field(2, dataType(output.datatype))
                    entry.packed(3, [-1, Int64(output.columns)])
                }
            }
        }
        return response.bytes
    }

    /// The number of `TYPE_…` in the enum DataType.
    private static func dataType(_ datatype: String) -> UInt64 {
        let names = ProtoFile.inference.enums.first { $0.name == "DataType" }?.values ?? []
        return UInt64(names.firstIndex(of: "TYPE_\(datatype)") ?? 0)
    }

    public static func statistics(_ versions: [VersionStatistics]) -> [UInt8] {
        var response = ProtobufWriter()
        for version in versions { response.message(1) { write(version, &$0) } }
        return response.bytes
    }

    private static func write(_ version: VersionStatistics, _ out: inout ProtobufWriter) {
        out.field(1, version.name)
        out.field(2, version.version)
        out.field(3, version.lastMillis)
        out.field(4, version.rows)
        out.field(5, version.executions)
        out.message(6) { statistics in
            let durations = [(1, version.success), (2, version.fail), (3, version.queue), (5, version.compute)]
            for (number, duration) in durations {
                statistics.message(number) {
                    $0.field(1, duration.count)
                    $0.field(2, duration.nanos)
                }
            }
        }
        out.message(8) { usage in
            usage.field(1, VersionStatistics.memoryType)
            usage.field(3, version.modelBytes)
        }
    }

    /// HealthListResponse: a status by service.
    public static func healthList(_ statuses: [(service: String, status: ServingStatus)]) -> [UInt8] {
        var response = ProtobufWriter()
        for (service, status) in statuses {
            response.message(1) { entry in
                entry.field(1, service)
                entry.element(2, bytes: status.response)
            }
        }
        return response.bytes
    }
}
