// A loaded version as the data plane sees it: codec, compiled model, and where its numbers are counted.

import Codec
import Configuration
import Execution
import Inference
import ModelFormat
import Monitoring
import Registry
import Routing
import Synchronization
import Telemetry

/// Immutable once it is loaded; the data plane reads it without counting references.
// SAFETY: written in init only, read by every reactor after it; `arms` guards itself.
final class ServedVersion: @unchecked Sendable {
    /// Its place in every table of the data plane, while it is loaded.
    let slot: Int
    /// No other version of this process has or had it.
    let serial: UInt64
    private static let lastSerial = Atomic<UInt64>(0)
    let bundle: LoadedBundle
    let arms: ArmTable
    private let shadowMetrics = Mutex<ShadowMetrics?>(nil)
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
    /// Its drift; nil: nobody watches.
    let watched: WatchedVersion?
    /// Which of its requests are logged, and how.
    let decisions: ModelDecisions
    /// What its prediction ids mean; nil: it gives none out.
    let stamped: StampedVersion?

    init(
        bundle: LoadedBundle, configuration: ModelConfiguration, metrics: VersionMetrics, arms: ArmTable,
        queue: QueuedVersion, watched: WatchedVersion?, slot: Int
    ) {
        self.watched = watched
        decisions = configuration.decisions
        stamped = StampedVersion(bundle, configuration.feedback)
        self.slot = slot
        self.bundle = bundle
        self.arms = arms
        self.queue = queue
        serial = Self.lastSerial.add(1, ordering: .relaxed).newValue
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

    /// What is counted of it as a shadow; nil: no route has made it one.
    var shadow: ShadowMetrics? { shadowMetrics.withLock { $0 } }

    /// A route makes it a shadow.
    func becomeShadow() {
        shadowMetrics.withLock { metrics in
            if metrics == nil { metrics = try? ShadowMetrics(arms.registry, model: name, version: version) }
        }
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
    /// By `Arm.rawValue`; arms that the route does not know count as pinned.
    var arms: InlineArray<13, UnsafePointer<ArmSeries>>
    /// Two versions with the same number decode a request alike.
    let schema: Int
    /// For copies to shadows, and as one.
    let owner: Unmanaged<ServedVersion>
    let scoreType: ValueType
    let columns: Int
    let threshold: Double
    /// nil: no route has made it a shadow.
    let shadowDropped: CounterID?
    /// What answers in its place, as the routes have it now.
    let rungs: UnsafeMutablePointer<Rung>
    let rungCount: Int
    /// Whether a rollout's guard counts its requests.
    var guarded = GuardEntry.none
    /// Where its values and scores are counted.
    var drift = DriftEntry.none
    /// Whether its requests are logged.
    let decisions: DecisionEntry
    let positive: Int
    /// How its prediction ids are written.
    let stamp: PredictionStamp

    /// `arms`: those that the version has in its route, with their names. The snapshot keeps the ladder.
    init(
        _ version: ServedVersion, schema: Int, arms named: [(arm: Arm, name: String)], ladder: Ladder,
        key: PredictionKey?
    ) {
        self.schema = schema
        positive = version.bundle.output.positive
        stamp = key.flatMap { version.stamped?.stamp($0) } ?? .off
        decisions = DecisionEntry(version.decisions, schema: version.serial)
        (rungs, rungCount) = (ladder.rungs, ladder.count)
        owner = .passUnretained(version)
        scoreType = version.model.scoreType
        columns = version.model.outputCount
        threshold = version.bundle.output.threshold
        shadowDropped = version.shadow?.dropped
        arms = .init(repeating: version.arms.series(Arm.pinned.text.description))
        for (arm, name) in named + [(.stable, Arm.stable.text.description)] {
            arms[Int(arm.rawValue)] = version.arms.series(name)
        }
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
