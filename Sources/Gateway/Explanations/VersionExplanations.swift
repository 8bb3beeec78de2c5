// How a version explains its scores: prepared behind its loading, on the loader's thread, so that a start does not wait.
//
//     preparing ──source read again, tables built, a row measured──► ready
//         └──the model mixes features, has no covers, …──► impossible, and why
//     off: the configuration says so
//
// The state is written once, by the loader; a snapshot that is published afterwards shows it to the reactors.

import Configuration
import Execution
import Inference
import Registry
import Synchronization
import Telemetry

final class VersionExplanations: Sendable {
    enum State {
        case off, preparing
        case ready(ExplainedVersion)
        /// A sentence that says why.
        case impossible(String)
    }

    let settings: ExplanationConfiguration
    /// nil: explanations are off.
    let metrics: ExplanationMetrics?
    private let current: Mutex<State>
    /// What explanations are refused with, where the state refuses them all.
    private let name: String
    private let version: String

    init(
        _ bundle: LoadedBundle, _ settings: ExplanationConfiguration, _ registry: MetricsRegistry
    ) throws(MetricsError) {
        self.settings = settings
        (name, version) = (bundle.name, bundle.version)
        metrics = settings.isOn ? try ExplanationMetrics(registry, model: name, version: version) : nil
        current = Mutex(settings.isOn ? .preparing : .off)
    }

    var state: State { current.withLock { $0 } }

    /// nil: it is not ready.
    var explained: ExplainedVersion? { if case .ready(let explained) = state { explained } else { nil } }

    /// What the tables take.
    var memoryBytes: Int { explained?.explainer.memoryBytes ?? 0 }

    /// For the admin plane.
    var text: String {
        switch state {
        case .off: "off"
        case .preparing: "preparing"
        case .ready: "ready"
        case .impossible(let reason): reason
        }
    }

    /// What a request for an explanation is told where there can be none.
    var refusal: String {
        switch state {
        case .off: "explanations: they are off for this model (models.\(name).explain.enabled)"
        case .impossible(let reason): "explanations: version \(version) of \(name) cannot be explained: \(reason)"
        case .preparing, .ready: "explanations: there is none"
        }
    }

    /// Builds the tables; on the loader's thread, once.
    func prepare(_ bundle: LoadedBundle, _ queued: QueuedVersion) {
        guard case .preparing = state else { return }
        let state = make(bundle, queued)
        current.withLock { $0 = state }
    }

    private func make(_ bundle: LoadedBundle, _ queued: QueuedVersion) -> State {
        guard let metrics else { return .off }
        do {
            guard let model = try bundle.takeModel() else { return .impossible("its source was not kept") }
            let explainer = try ContributionExplainer(model)
            guard explainer.scoreType == bundle.model.scoreType, explainer.outputCount == bundle.model.outputCount
            else {
                return .impossible("its margins are not its scores' columns")
            }
            return .ready(ExplainedVersion(explainer, bundle.model, queued, metrics))
        } catch let error as ContributionError {
            return .impossible(error.description)
        } catch {
            return .impossible("\(error)")
        }
    }
}

/// What is counted of one version's explanations.
struct ExplanationMetrics: Sendable {
    /// From a request's first bytes to its encoded answer.
    let duration: HistogramID
    let compute: HistogramID
    private var outcomes: InlineArray<5, CounterID>

    init(_ registry: MetricsRegistry, model: String, version: String) throws(MetricsError) {
        let labels = [("model", model), ("version", version)]
        duration = try registry.histogram(
            "serin_explain_duration_seconds",
            "From the first bytes of a request with an explanation to its encoded answer.", labels: labels,
            edges: LatencyEdges.standard, unit: .seconds)
        compute = try registry.histogram(
            "serin_explain_compute_duration_seconds", "What scoring and explaining a batch took.", labels: labels,
            edges: LatencyEdges.standard, unit: .seconds)
        func counter(_ outcome: ExplanationWish.Outcome) throws(MetricsError) -> CounterID {
            try registry.counter(
                "serin_explanations_total",
                "Requests for an explanation, by what became of it; all but full were answered without, or refused.",
                labels: labels + [("outcome", outcome.text.description)])
        }
        outcomes = .init(repeating: try counter(.full))
        for outcome in ExplanationWish.Outcome.allCases { outcomes[Int(outcome.rawValue)] = try counter(outcome) }
    }

    subscript(outcome: ExplanationWish.Outcome) -> CounterID { outcomes[Int(outcome.rawValue)] }
}
