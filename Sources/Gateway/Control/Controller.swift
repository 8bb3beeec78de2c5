// The control plane's one place: what is loaded, where requests go, and how both change.
//
//     a raise    check ─► commit (route and audit line, on disk) ─► publish ─► answer
//     lowering   check ─► publish ─► commit ─► answer; until it is committed: `degraded`, no raises
//
// Changes happen one after another under `changing`, which may be held while the disk is slow. What the data plane sees
// changes under `state`, which is held for microseconds: taking a candidate's traffic away waits for no disk.
// Loading happens on a thread of its own at the lowest priority; nothing here runs on a serving thread.

import Admin
import CLinux
import Configuration
import Glibc
import Logging
import Primitives
import Reactor
import Registry
import State
import Synchronization
import Telemetry

final class Controller: Sendable {
    let metrics: GatewayMetrics
    let logger: Logger
    let store: StateStore
    let fieldNames = FieldNames()
    let publication: Publication<Snapshot>
    let access: Published<AccessTable>
    let holds: VersionHolds
    let executors: GatewayExecutors
    let health: Health
    let events = EventLog()
    /// Taken before `state` where both are.
    let changing = Mutex(())
    let state: Mutex<ControlState>
    /// Lowered, or the end of a rollout: in force and not on disk yet, in their order. Taken after `state` where both are.
    let unrecorded = Mutex<[StateStore.Change]>([])
    /// The last attempt to record these failed; the next comes by itself.
    let cannotRecord = Atomic<Bool>(false)
    /// Taken before `state` where both are.
    let rolloutTable = Mutex(RolloutTable())
    let worker = SerialWorker { job in ReactorThread.start("rollouts", job) }
    let wakers = Mutex<[@Sendable () -> Void]>([])
    let loaderQueue = LoaderThread()
    /// Takes labels, and says what they say.
    let feedback: FeedbackDesk
    /// The last tick of drift.
    let driftTick = Atomic<UInt64>(0)
    /// Under neither of them another lock is taken, but for counters'.
    let triggers = Mutex(TriggerTable())
    let arrivals = Mutex(ArrivalTable())
    /// The last tick of triggers.
    let triggerTick = Atomic<UInt64>(0)

    /// Restores what the state says, seeds what it does not know from the configuration, and loads it all.
    init(
        _ configuration: GatewayConfiguration, metrics: GatewayMetrics, store: StateStore, reactors: Int,
        logger: Logger
    ) throws {
        self.metrics = metrics
        self.store = store
        self.logger = logger
        holds = VersionHolds(readers: reactors)
        var state = try ControlStart(configuration, metrics: metrics, store: store, logger: logger).run()
        executors = try GatewayExecutors(configuration, reactors: reactors, metrics.registry, logger)
        executors.serve(state.queued)
        feedback = try FeedbackDesk(configuration.feedback, store, metrics.registry, logger)
        state.predictionKey = feedback.newestKey
        feedback.learn(state.served)
        let snapshot = state.snapshot(fieldNames)
        Self.warn(snapshot, &state, logger)
        publication = Publication(snapshot, seats: reactors)
        access = Published(AccessTable(snapshot, configuration))
        health = Health(hasModels: Self.isReady(state, fieldNames))
        Self.declareWeights(&state, metrics)
        self.state = Mutex(state)
    }

    /// Every required model has its stable version, and what its route names.
    static func isReady(_ state: ControlState, _ names: FieldNames) -> Bool {
        let served = state.served
        return state.models.allSatisfy { model in
            guard model.settings.isRequired else { return true }
            let listed = model.listed
            return listed.stable != nil && RouteResolution(listed, served, names).problems.isEmpty
        }
    }

    /// How a reactor is told to look for a newer snapshot at once.
    func wake(with waker: @escaping @Sendable () -> Void) { wakers.withLock { $0.append(waker) } }

    /// What is in force and what is on disk differ.
    var isDegraded: Bool { unrecorded.withLock { !$0.isEmpty } }

    // MARK: Publish

    /// Builds what the data plane sees from `state`, and puts it in force; the caller holds `state`.
    @discardableResult
    func publish(_ state: inout ControlState) -> UInt64 {
        let snapshot = state.snapshot(fieldNames)
        Self.warn(snapshot, &state, logger)
        executors.serve(state.queued)
        feedback.learn(state.served)
        // Before the routes lead to a version, its model's clients are known.
        access.replace(AccessTable(snapshot, state.configuration))
        let generation = publication.publish(snapshot)
        Self.declareWeights(&state, metrics)
        return generation
    }

    /// Says what has come to be missing on the ladders.
    private static func warn(_ snapshot: Snapshot, _ state: inout ControlState, _ logger: Logger) {
        for problem in snapshot.ladderProblems where !state.ladderProblems.contains(problem) {
            logger.warning("\(problem)")
        }
        state.ladderProblems = snapshot.ladderProblems
    }

    /// Waits until every reactor serves this generation, which takes microseconds, and at most a second.
    func settle(_ generation: UInt64) {
        for wake in wakers.withLock({ $0 }) { wake() }
        for _ in 0..<10_000 {
            if publication.epochs.oldest() >= generation { break }
            usleep(100)
        }
        publication.collect()
    }

    /// Says how large each arm is now; those that are gone are 0.
    private static func declareWeights(_ state: inout ControlState, _ metrics: GatewayMetrics) {
        var now: Set<[String]> = []
        for model in state.models {
            for (arm, version, ratio) in weights(model) {
                try? metrics.weight(model: model.name, version: version, arm: arm, ratio: ratio)
                now.insert([model.name, version, arm])
            }
        }
        for gone in state.weighed.subtracting(now) {
            try? metrics.weight(model: gone[0], version: gone[1], arm: gone[2], ratio: 0)
        }
        state.weighed.formUnion(now)
    }

    private static func weights(_ model: ControlledModel) -> [(arm: String, version: String, ratio: Double)] {
        guard let stable = model.stable?.version else { return [] }
        let route = model.route
        var weights = [("stable", stable, Double(1_000_000 - route.sharedMillionths) / 1e6)]
        // A version that waits has a weight too: none.
        for version in model.versions where version.isReady && version.version != stable {
            weights.append(("stable", version.version, 0))
        }
        if let canary = route.canary {
            weights.append(("canary", canary.version, Double(canary.share.millionths) / 1e6))
        }
        return weights + route.arms.map { ($0.name, $0.version, Double($0.share.millionths) / 1e6) }
    }

    // MARK: Configuration

    /// The configuration was read again: the models' clients and rates.
    func adopt(_ configuration: GatewayConfiguration) {
        state.withLock { state in
            state.configuration = configuration
            for index in state.models.indices {
                state.models[index].settings = configuration.model(named: state.models[index].name)
            }
            access.replace(AccessTable(publication.load().value, configuration))
        }
    }

    /// This process has the state now: what the one before has changed meanwhile is taken over.
    func resume() {
        guard let records = try? store.models() else { return }
        let published = state.withLock { state -> UInt64? in
            var isNews = false
            for record in records {
                guard let index = state.index(of: record.name), state.models[index].generation != record.generation,
                    let route = RouteText.decode(record.route)
                else { continue }
                state.models[index].route = route
                state.models[index].generation = record.generation
                state.models[index].previous = record.previous.flatMap(RouteText.decode)
                state.models[index].pinnedUntil = record.pinnedUntil
                isNews = true
            }
            return isNews ? publish(&state) : nil
        }
        if let published { settle(published) }
        openRollouts()
        openTriggers()
        openArrivals()
    }

    var isOpen: Bool { state.withLock { $0.isOpen } }

    /// Another process has the state from now on.
    func close() {
        closeTriggers()
        closeArrivals()
        closeRollouts()
        changing.withLock { _ in state.withLock { $0.isOpen = false } }
        flush()
        feedback.close()
        store.close()
    }
}
