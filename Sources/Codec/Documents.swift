// The bodies that describe the server and its models, and the body of an error.
//
// Not the hot path: written from strings whenever they are asked for.

internal import Inference
public import Primitives

/// One version in a V1 status: its state is TensorFlow Serving's name.
public struct VersionStatus: Sendable {
    public enum State: String, Sendable {
        case start = "START"
        case loading = "LOADING"
        case available = "AVAILABLE"
        case unloading = "UNLOADING"
        case end = "END"
    }

    public var version: String
    public var state: State
    /// Why it is not available; nil: no error.
    public var error: String?

    public init(version: String, state: State, error: String? = nil) {
        self.version = version
        self.state = state
        self.error = error
    }
}

public enum Documents {
    /// The protocol extensions that are spoken, by Triton's names.
    public static let extensions = ["binary_tensor_data", "model_configuration", "parameters", "statistics"]

    // MARK: V2

    /// `GET /v2`
    public static func serverMetadata(version: String, into out: inout GrowableBuffer) {
        out.append(#"{"name":"serin","version":"#)
        out.appendJSON(string: version)
        out.append(#","extensions":"#)
        list(extensions, &out)
        out.append("}")
    }

    /// `GET /v2/health/live`, `/v2/health/ready` and `/v2/models/M/ready`.
    public static func health(live: Bool, ready: Bool, into out: inout GrowableBuffer) {
        out.append(live ? #"{"live":true,"ready":"# : #"{"live":false,"ready":"#)
        out.append(ready ? "true}" : "false}")
    }

    /// `GET /v2/models/M`; `versions` are the ready ones.
    public static func metadata(_ codec: ModelCodec, versions: [String], into out: inout GrowableBuffer) {
        out.append(#"{"name":"#)
        out.appendJSON(string: codec.name)
        out.append(#","versions":"#)
        list(versions, &out)
        out.append(#","platform":"#)
        out.appendJSON(string: codec.platform)
        out.append(#","inputs":["#)
        tensor(codec.input.name, codec.input.declaredType.datatype, codec.featureCount, &out)
        out.append(#"],"outputs":["#)
        for (index, output) in outputs(codec).enumerated() {
            if index > 0 { out.append(",") }
            tensor(output.name, output.datatype, output.columns, &out)
        }
        out.append("]}")
    }

    /// `GET /v2/models/M/config`, the part of Triton's configuration that has a meaning here.
    /// `max_batch_size` 0 says that the shapes carry the rows.
    public static func config(_ codec: ModelCodec, into out: inout GrowableBuffer) {
        out.append(#"{"name":"#)
        out.appendJSON(string: codec.name)
        out.append(#","platform":"#)
        out.appendJSON(string: codec.platform)
        out.append(#","backend":"serin","max_batch_size":0,"input":["#)
        configTensor(codec.input.name, codec.input.declaredType.datatype, codec.featureCount, &out)
        out.append(#"],"output":["#)
        for (index, output) in outputs(codec).enumerated() {
            if index > 0 { out.append(",") }
            configTensor(output.name, output.datatype, output.columns, &out)
        }
        out.append("]}")
    }

    static func outputs(_ codec: ModelCodec) -> [(name: String, datatype: String, columns: Int)] {
        let datatype = codec.scoreType.datatype
        return [("score", datatype, codec.columns), ("margin", datatype, codec.columns), ("label", "INT64", 1)]
    }

    private static func tensor(_ name: String, _ datatype: String, _ columns: Int, _ out: inout GrowableBuffer) {
        out.append(#"{"name":"#)
        out.appendJSON(string: name)
        out.append(string: #","datatype":"\#(datatype)","shape":[-1,\#(columns)]}"#)
    }

    private static func configTensor(_ name: String, _ datatype: String, _ columns: Int, _ out: inout GrowableBuffer) {
        out.append(#"{"name":"#)
        out.appendJSON(string: name)
        out.append(string: #","data_type":"TYPE_\#(datatype)","dims":[-1,\#(columns)]}"#)
    }

    // MARK: V1

    /// `GET /v1/models/M`: TensorFlow Serving's status, and `name` and `ready` for KServe's client.
    public static func status(
        name: String, versions: [VersionStatus], ready: Bool, into out: inout GrowableBuffer
    ) {
        out.append(#"{"model_version_status":["#)
        for (index, status) in versions.enumerated() {
            if index > 0 { out.append(",") }
            out.append(#"{"version":"#)
            out.appendJSON(string: status.version)
            out.append(string: #","state":"\#(status.state.rawValue)","status":{"error_code":"#)
            out.append(status.error == nil ? #""OK","# : #""UNKNOWN","#)
            out.append(#""error_message":"#)
            out.appendJSON(string: status.error ?? "")
            out.append("}}")
        }
        out.append(#"],"name":"#)
        out.appendJSON(string: name)
        out.append(ready ? #","ready":true}"# : #","ready":false}"#)
    }

    /// `GET /v1/models`
    public static func models(_ names: [String], into out: inout GrowableBuffer) {
        out.append(#"{"models":"#)
        list(names, &out)
        out.append("}")
    }

    /// `GET /`
    public static func alive(into out: inout GrowableBuffer) {
        out.append(#"{"status":"alive"}"#)
    }

    // MARK: Errors

    /// `{"error":"…"}`, the same in V2, V1 and KServe.
    public static func error(_ message: String, into out: inout GrowableBuffer) {
        out.append(#"{"error":"#)
        out.appendJSON(string: message)
        out.append("}")
    }

    private static func list(_ strings: [String], _ out: inout GrowableBuffer) {
        out.append("[")
        for (index, string) in strings.enumerated() {
            if index > 0 { out.append(",") }
            out.appendJSON(string: string)
        }
        out.append("]")
    }
}
