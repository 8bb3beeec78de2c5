// What the calls answer that describe: liveness, metadata, configuration, statistics, health.
//
// Asked once in a while, so written anew for each call, with ordinary arrays.

import Codec
import GRPC
import HTTP
import Inference
import Routing

extension DataPlane {
    /// The one message that answers a call with one message.
    func answer(
        _ stream: Stream, _ method: CallMethod, _ message: UnsafeRawBufferPointer
    ) throws(GRPCStatus) -> [UInt8] {
        let request = try NamedRequest(message)
        switch method {
        case .serverLive: return CallDocuments.flag(health.isLive)
        case .serverReady: return CallDocuments.flag(health.isReady)
        case .serverMetadata: return CallDocuments.serverMetadata(version: GatewayServer.version)
        case .modelReady: return CallDocuments.flag(try version(request, stream) != nil)
        case .modelMetadata:
            let (index, listed) = try readyVersion(request, stream)
            let versions = listed.versions.map { snapshot.versions[$0].version }
            return CallDocuments.metadata(snapshot.versions[index].codec, versions: versions)
        case .modelConfiguration:
            return CallDocuments.config(snapshot.versions[try readyVersion(request, stream).index].codec)
        case .modelStatistics: return try statisticsMessage(request, stream)
        case .healthCheck:
            let status = status(of: request.name)
            if status == .serviceUnknown { throw GRPCStatus(.notFound, "unknown service") }
            return status.response
        case .healthList: return healthList()
        default: throw GRPCStatus(.unimplemented, "unknown service or method")
        }
    }

    // MARK: Models

    /// The version that a request names; nil: the model is known, and it has none that is ready.
    private func version(_ request: NamedRequest, _ stream: Stream) throws(GRPCStatus) -> Int? {
        var name = request.name
        var text = request.version
        let decision = name.withUTF8 { name in
            text.withUTF8 { version in
                snapshot.routes.route(model: UnsafeRawBufferPointer(name), version: UnsafeRawBufferPointer(version))
            }
        }
        switch decision {
        case .version(let index, _):
            if let refusal = refusal(stream, index) { throw GRPCStatus(httpStatus: refusal.status, refusal.message) }
            return index
        case .notReady: return nil
        case .unknownModel: throw GRPCStatus(.notFound, "unknown model")
        case .unknownVersion: throw GRPCStatus(.notFound, "unknown version of the model, or it is not ready")
        }
    }

    private func readyVersion(
        _ request: NamedRequest, _ stream: Stream
    ) throws(GRPCStatus) -> (index: Int, listed: Snapshot.ListedModel) {
        guard let index = try version(request, stream),
            let listed = snapshot.models.first(where: { $0.name == request.name })
        else { throw GRPCStatus(.unavailable, "no version of the model is ready") }
        return (index, listed)
    }

    /// Statistics of one version, of all of a model, or of all that the client may ask.
    private func statisticsMessage(_ request: NamedRequest, _ stream: Stream) throws(GRPCStatus) -> [UInt8] {
        if request.name.isEmpty { return CallDocuments.statistics(allStatistics(stream)) }
        let (index, listed) = try readyVersion(request, stream)
        let indices = request.version.isEmpty ? listed.versions : [index]
        return CallDocuments.statistics(statistics(of: indices.map { snapshot.versions[$0] }))
    }

    // MARK: Health

    /// The server's status for `""` and the inference service, a model's for its name.
    func status(of service: String) -> ServingStatus {
        if service.isEmpty || service == "inference.GRPCInferenceService" {
            return health.isReady ? .serving : .notServing
        }
        guard let model = snapshot.models.first(where: { $0.name == service }) else { return .serviceUnknown }
        return model.stable != nil && health.isLive && !health.isDraining ? .serving : .notServing
    }

    private func healthList() -> [UInt8] {
        CallDocuments.healthList(
            (["", "inference.GRPCInferenceService"] + snapshot.models.map(\.name)).map { ($0, status(of: $0)) })
    }
}

/// A request that names something: a service, or a model and perhaps a version.
struct NamedRequest {
    var name = ""
    var version = ""

    init(_ message: UnsafeRawBufferPointer) throws(GRPCStatus) {
        var fields = ProtobufReader(message)
        while fields.next() {
            guard fields.type == .bytes else { continue }
            if fields.number == 1 { name = try Self.text(fields.bytes) }
            if fields.number == 2 { version = try Self.text(fields.bytes) }
        }
        if fields.isMalformed { throw GRPCStatus(.invalidArgument, "malformed protobuf") }
    }

    private static func text(_ bytes: UnsafeRawBufferPointer) throws(GRPCStatus) -> String {
        guard UTF8Text.isValid(bytes) else { throw GRPCStatus(.invalidArgument, "name: expected UTF-8") }
        return String(decoding: bytes, as: UTF8.self)
    }
}
