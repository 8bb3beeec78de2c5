// grpc.health.v1.Health: what load balancers and orchestrators ask (grpc/doc/health-checking.md).

extension ProtoFile {
    public static let health = ProtoFile(
        name: "grpc/health/v1/health.proto", package: "grpc.health.v1",
        messages: [
            ProtoMessage("HealthCheckRequest", ["string service = 1"]),
            ProtoMessage(
                "HealthCheckResponse", ["ServingStatus status = 1"],
                enums: [
                    ProtoEnum(name: "ServingStatus", values: ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"])
                ]),
            ProtoMessage("HealthListRequest", []),
            ProtoMessage("HealthListResponse", ["map<string, HealthCheckResponse> statuses = 1"]),
        ],
        services: [
            ProtoService(
                name: "Health",
                methods: [
                    ProtoMethod("Check", input: "HealthCheckRequest", output: "HealthCheckResponse"),
                    ProtoMethod("List", input: "HealthListRequest", output: "HealthListResponse"),
                    ProtoMethod(
                        "Watch", input: "HealthCheckRequest", output: "HealthCheckResponse", streamsOut: true),
                ])
        ])
}

/// HealthCheckResponse's status.
public enum ServingStatus: UInt8, Sendable {
    case serving = 1
    case notServing = 2
    /// Watch only: Check answers NOT_FOUND.
    case serviceUnknown = 3

    /// The HealthCheckResponse that says it.
    public var response: [UInt8] { [Protobuf.tag(1, .varint), rawValue] }
}
