// What GET answers: metadata, configuration, readiness and status of the server and its models.
//
// These are asked once in a while, so they are written anew for each request, with ordinary strings.

import Codec
import HTTP
import Inference
import Primitives
import Routing

extension DataPlane {
    func answerDocument(_ stream: Stream, _ target: RequestTarget) {
        if target.endpoint == .unknown, CallMethod.isOfAService(stream.pointee.target) {
            return refuseUnrouted(stream, RequestError(415, "content-type: calls have application/grpc"))
        }
        if target.endpoint == .unknown {
            return refuseUnrouted(stream, RequestError(404, "unknown path; see GET /v2 and GET /v1/models"))
        }
        guard stream.pointee.method == .get || stream.pointee.method == .head else {
            return refuseMethod(stream, "GET")
        }
        switch target.endpoint {
        case .modelMetadata, .modelReady, .modelConfiguration, .modelStatistics, .modelStatus:
            answerModel(stream, target)
        default: answerServer(stream, target.endpoint)
        }
    }

    private func answerServer(_ stream: Stream, _ endpoint: Endpoint) {
        switch endpoint {
        case .serverMetadata:
            Documents.serverMetadata(version: GatewayServer.version, into: &stream.pointee.responseBody)
        case .serverLive: return answerHealth(stream, isFine: health.isLive)
        case .serverReady: return answerHealth(stream, isFine: health.isReady)
        case .allStatistics: Documents.statistics(allStatistics(stream), into: &stream.pointee.responseBody)
        case .modelList: Documents.models(snapshot.models.map(\.name), into: &stream.pointee.responseBody)
        default: Documents.alive(into: &stream.pointee.responseBody)
        }
        engine.respond(stream, status: 200)
    }

    private func answerHealth(_ stream: Stream, isFine: Bool) {
        Documents.health(live: health.isLive, ready: isFine, into: &stream.pointee.responseBody)
        engine.respond(stream, status: isFine ? 200 : 503)
    }

    private func answerModel(_ stream: Stream, _ target: RequestTarget) {
        guard let listed = listed(target.model) else {
            return refuseUnrouted(stream, RequestError(404, "unknown model"))
        }
        switch snapshot.routes.route(model: target.model, version: target.version) {
        case .version(let index, _):
            if let refusal = refusal(stream, index) { return refuseUnrouted(stream, refusal) }
            answer(stream, target.endpoint, listed, snapshot.versions[index], target.version.isEmpty)
        case .notReady where target.endpoint == .modelReady: answerReady(stream, false)
        case .notReady where target.endpoint == .modelStatus:
            answerStatus(stream, listed, listed.statuses, isReady: false)
        case .notReady: refuse(stream, RequestError(503, "no version of the model is ready"))
        case .unknownModel: refuseUnrouted(stream, RequestError(404, "unknown model"))
        case .unknownVersion:
            refuseUnrouted(stream, RequestError(404, "unknown version of the model, or it is not ready"))
        }
    }

    func listed(_ name: UnsafeRawBufferPointer) -> Snapshot.ListedModel? {
        let name = String(decoding: name, as: UTF8.self)
        return snapshot.models.first { $0.name == name }
    }

    private func answer(
        _ stream: Stream, _ endpoint: Endpoint, _ model: Snapshot.ListedModel, _ version: ServedVersion, _ isWhole: Bool
    ) {
        let versions = model.versions.map { snapshot.versions[$0].version }
        let statuses = isWhole && !model.statuses.isEmpty ? model.statuses : []
        switch endpoint {
        case .modelMetadata: Documents.metadata(version.codec, versions: versions, into: &stream.pointee.responseBody)
        case .modelConfiguration: Documents.config(version.codec, into: &stream.pointee.responseBody)
        case .modelStatistics:
            let served = isWhole ? model.versions.map { snapshot.versions[$0] } : [version]
            Documents.statistics(statistics(of: served), into: &stream.pointee.responseBody)
        case .modelReady: return answerReady(stream, true)
        default:
            if !statuses.isEmpty { return answerStatus(stream, model, statuses, isReady: true) }
            let ready = (isWhole ? versions : [version.version]).map { VersionStatus(version: $0, state: .available) }
            return answerStatus(stream, model, ready, isReady: true)
        }
        engine.respond(stream, status: 200)
    }

    private func answerReady(_ stream: Stream, _ isReady: Bool) {
        Documents.health(live: health.isLive, ready: isReady, into: &stream.pointee.responseBody)
        engine.respond(stream, status: isReady ? 200 : 503)
    }

    /// KServe's client takes 503 for "not ready".
    private func answerStatus(
        _ stream: Stream, _ model: Snapshot.ListedModel, _ versions: [VersionStatus], isReady: Bool
    ) {
        Documents.status(
            name: model.name, versions: versions.reversed(), ready: isReady, into: &stream.pointee.responseBody)
        engine.respond(stream, status: isReady ? 200 : 503)
    }
}
