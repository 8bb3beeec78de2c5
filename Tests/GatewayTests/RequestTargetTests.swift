import Testing

@testable import Gateway

@Suite struct RequestTargetTests {
    @Test(arguments: [
        ("/", Endpoint.alive, "", ""), ("/v2", .serverMetadata, "", ""), ("/v2/", .serverMetadata, "", ""),
        ("/v2/health/live", .serverLive, "", ""), ("/v2/health/ready", .serverReady, "", ""),
        ("/v2/models/fraud", .modelMetadata, "fraud", ""), ("/v2/models/fraud/ready", .modelReady, "fraud", ""),
        ("/v2/models/fraud/config", .modelConfiguration, "fraud", ""), ("/v2/models/fraud/infer", .infer, "fraud", ""),
        ("/v2/models/stats", .allStatistics, "", ""), ("/v2/models/fraud/stats", .modelStatistics, "fraud", ""),
        ("/v2/models/fraud/versions/2/stats", .modelStatistics, "fraud", "2"),
        ("/v2/models/stats/ready", .modelReady, "stats", ""), ("/v2/models/statsx", .modelMetadata, "statsx", ""),
        ("/v2/models/a.b-c_d/versions/12/infer", .infer, "a.b-c_d", "12"),
        ("/v2/models/fraud/versions/3", .modelMetadata, "fraud", "3"),
        ("/v2/models/fraud/infer?timeout=1", .infer, "fraud", ""),
        ("/v1/models", .modelList, "", ""), ("/v1/models/fraud", .modelStatus, "fraud", ""),
        ("/v1/models/fraud/versions/2", .modelStatus, "fraud", "2"),
        ("/v1/models/fraud:predict", .predict, "fraud", ""),
        ("/v1/models/fraud:feedback", .feedback, "fraud", ""),
        ("/v1/models/fraud/versions/2:predict", .predict, "fraud", "2"),
    ])
    func known(path: String, endpoint: Endpoint, model: String, version: String) {
        withTarget(path) { target in
            #expect(target.endpoint == endpoint)
            #expect(String(decoding: target.model, as: UTF8.self) == model)
            #expect(String(decoding: target.version, as: UTF8.self) == version)
        }
    }

    @Test(arguments: [
        "*", "v2", "/v3", "/v2x", "/v2/models", "/v2/models/", "/v2/models//infer", "/v2/models/fraud/",
        "/v2/models/fraud/inferx",
        "/v2/models/fraud/versions", "/v2/models/fraud/versions/", "/v2/models/fraud/versions//infer", "/v1",
        "/v1/modelsx",
        "/v1/models/", "/v1/models/:predict", "/v1/models/fraud:explode", "/v1/models/fraud/versions/2:feedback",
        "/v1/models/fraud:predict/x", "/v2/health",
        "//",
    ])
    func unknown(path: String) {
        withTarget(path) { #expect($0.endpoint == .unknown) }
    }

    private func withTarget(_ path: String, _ body: (RequestTarget) -> Void) {
        var path = path
        path.withUTF8 { body(RequestTarget(UnsafeRawBufferPointer($0))) }
    }
}
