// A loaded version as the data plane sees it: codec, compiled model, and where its numbers are counted.

import Codec
import Configuration
import Execution
import Inference
import ModelFormat
import Registry
import Telemetry

/// Immutable after start-up; the data plane reads it without counting references.
// SAFETY: written in init only, read by every reactor after it.
final class ServedVersion: @unchecked Sendable {
    let name: String
    let version: String
    let codec: ModelCodec
    let model: CompiledModel
    let metrics: VersionMetrics
    /// The version's text, for the `serin-version` header.
    let versionText: ByteText
    let timeout: TimeoutPolicy
    /// How executors score it.
    let queue: QueuedVersion

    init(bundle: LoadedBundle, configuration: ModelConfiguration, metrics: VersionMetrics, queue: QueuedVersion) {
        self.queue = queue
        name = bundle.name
        version = bundle.version
        model = bundle.model
        codec = ModelCodec(
            name: name, version: version, platform: bundle.facts.format.rawValue, input: bundle.input,
            output: bundle.output, maxRows: configuration.rowsMax)
        self.metrics = metrics
        versionText = ByteText(version)
        timeout = TimeoutPolicy(configuration.timeout)
    }
}

/// Bytes that never move and never change, for header values.
// SAFETY: written in init only.
final class ByteText: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer

    init(_ text: String) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(text.utf8.count, 1), alignment: 1)
        memory.copyBytes(from: text.utf8)
        bytes = UnsafeRawBufferPointer(rebasing: memory[..<text.utf8.count])
    }

    deinit { bytes.deallocate() }
}

/// What is counted for one version. Durations run from the arrival of the request's first bytes.
struct VersionMetrics: Sendable {
    /// Requests by arm and outcome: at `arm.rawValue * outcomes + outcome.rawValue`.
    var requests: InlineArray<12, CounterID>
    let duration: HistogramID
    let queue: HistogramID
    let compute: HistogramID
    let batchSize: HistogramID
    let outOfRange: CounterID
    /// Requests that were taken off unscored, by why.
    var unexecuted: InlineArray<2, CounterID>

    func unexecuted(_ reason: RequestFate.Reason) -> CounterID { unexecuted[Int(reason.rawValue)] }
}

/// A served version in plain words: what the data plane touches for each request, with no reference to count.
struct VersionEntry {
    let codec: Unmanaged<ModelCodec>
    let model: Unmanaged<CompiledModel>
    let metrics: VersionMetrics
    let versionText: UnsafeRawBufferPointer
    let timeout: TimeoutPolicy

    init(_ version: ServedVersion) {
        codec = .passUnretained(version.codec)
        model = .passUnretained(version.model)
        metrics = version.metrics
        versionText = version.versionText.bytes
        timeout = version.timeout
    }
}

/// How a request ended; the names are the label's values.
enum Outcome: Int, CaseIterable {
    case ok, clientError, modelError, timeout, cancelled, shed

    var label: String {
        switch self {
        case .ok: "ok"
        case .clientError: "client_error"
        case .modelError: "model_error"
        case .timeout: "timeout"
        case .cancelled: "cancelled"
        case .shed: "shed"
        }
    }
}
