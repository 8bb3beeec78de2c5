// What one reactor of the data plane does with requests.
//
//     request ─► RequestTarget ─► RouteTable ─► RequestDecoder ─► Prediction in the version's lane
//     round's end ─► each lane: CompiledModel.score ─► ResponseEncoder ─► HTTPEngine.respond
//
// A plane belongs to its reactor's thread. Lanes, predictions, scratch memory and the decoder's tape
// are its own; the snapshot is shared and never changes.

import Batching
import CLinux
import Codec
import Execution
import GRPC
import HTTP
import Inference
import Primitives
import Reactor
import Routing
import Telemetry

final class DataPlane: Plane {
    /// What is looked up now; `DataPlane+Adopt` replaces it.
    var snapshot: Snapshot
    /// The snapshot's, in plain words.
    var routes: Unmanaged<RouteTable>
    var versions: UnsafeMutablePointer<VersionEntry>
    /// Where newer snapshots appear, and what this plane has of it.
    let publication: Unmanaged<Publication<Snapshot>>
    private let publicationOwner: Publication<Snapshot>
    var snapshotAddress: UInt = 0
    var generation: UInt64 = 0
    var announced: UInt64 = 0
    /// This plane's place among the publication's readers.
    let seat: Int
    /// Requests that hold a version, by slot.
    let holds: VersionHolds
    let held: VersionHolds.Row
    /// Copies on their way to shadows.
    let shadowRing = ShadowRing()
    /// Draws of the routes.
    var random = SplitMix64()
    /// What requests are numbered by; its highest 48 bits.
    var requestCount = UInt64.random(in: 0...UInt64.max)
    /// Keeps the names that routes ask for.
    private let fieldNames: FieldNames
    let metrics: GatewayMetrics
    let shard: MetricsShard
    let health: Health
    /// Who may ask which version; the table in use, and its generation.
    let access: Published<AccessTable>
    var accessTable: AccessTable
    var accessLists: UnsafeMutablePointer<UnsafeRawBufferPointer>
    var accessRates: UnsafeMutablePointer<ModelRate>
    var accessTokens: TokenTable.View
    var accessGeneration: UInt64
    /// What clients have asked; shared by all reactors, and kept alive here.
    private let rateTableOwner: RateTable
    let rateTable: Unmanaged<RateTable>
    var decoder: RequestDecoder
    var predictions: Slab<Prediction>
    /// By slot.
    let lanes: UnsafeMutablePointer<InlineLane>
    /// Whose lane it is, by slot: a version's serial; 0: there is none.
    let laneOwners: UnsafeMutablePointer<UInt64>
    /// The way to executors and back; nil: there are none.
    private(set) var pooled: UnsafeMutablePointer<PooledLanes>?
    /// The versions whose lane is not empty, from `waitingDone` on.
    let waiting: UnsafeMutablePointer<Int>
    var waitingCount = 0
    var waitingDone = 0
    static let waitingMax = 2 * VersionSlots.limit
    var scratch: UnsafeMutableRawBufferPointer
    /// The fields of the answer that is being written, and the text of its `server-timing`.
    let fields: UnsafeMutablePointer<HTTPField>
    let timing: UnsafeMutableRawPointer
    /// The ModelInfer message that is being decoded.
    var envelope = ModelInferEnvelope()
    let compression = MessageCompression()
    /// A message while it is compressed.
    var packed = GrowableBuffer()
    let statistics: InferenceStatistics
    /// This plane's part of `statistics`, by version.
    let statisticsShard: UnsafeMutablePointer<InferenceStatistics.Cell>
    var watchers = HealthWatchers()
    var guards = PlaneGuards()
    /// Where rows for the decision log go, and what counts those it has no room for; nil: it is off.
    var decisions: Unmanaged<ByteRing>?
    var decisionsDropped: CounterID
    /// Which requests' spans are kept; nil: none are, and nothing is done for them.
    var traces: PlaneTraces?
    /// Takes labels; nil: nobody does.
    var feedbackDesk: FeedbackDesk?
    /// Calls with labels whose answer has not come yet, and the answers on their way.
    var feedbackCalls = FeedbackCalls()
    private let feedbackReturnOwner = FeedbackReturn()
    let feedbackReturn: Unmanaged<FeedbackReturn>
    /// From `clock` to nanoseconds since 1970, and when it was looked at.
    var wallOffset: Int64 = 0
    var wallAt: UInt64 = 0
    /// The clock of what is measured and of deadlines while a batch is run; a round's own begins at `engine.now`.
    var clock: @convention(c) () -> UInt64 = { clinux_now() }

    init(
        snapshot: Snapshot, metrics: GatewayMetrics, shard: Int, health: Health, access: Published<AccessTable>,
        rates: RateTable, port: Port, limits: HTTPLimits, secure: SecurePort?, statistics: InferenceStatistics? = nil,
        publication: Publication<Snapshot>? = nil, holds: VersionHolds? = nil, executors: ExecutorPool? = nil
    ) {
        self.snapshot = snapshot
        publicationOwner = publication ?? Publication(snapshot, seats: shard + 1)
        self.publication = .passUnretained(publicationOwner)
        seat = shard
        self.holds = holds ?? VersionHolds(readers: shard + 1)
        held = self.holds.row(shard)
        fieldNames = snapshot.fieldNames
        self.statistics = statistics ?? InferenceStatistics(shards: shard + 1, versions: VersionSlots.limit)
        statisticsShard = self.statistics.shard(shard)
        routes = .passUnretained(snapshot.routes)
        versions = snapshot.table
        self.metrics = metrics
        decisionsDropped = metrics.unrouted
        self.shard = metrics.registry.shard(shard)
        self.health = health
        self.access = access
        (accessTable, accessGeneration) = access.load()
        accessLists = accessTable.lists
        accessRates = accessTable.rates
        accessTokens = accessTable.tokens.view
        rateTableOwner = rates
        rateTable = .passUnretained(rates)
        decoder = RequestDecoder(maxBytes: max(limits.bodyBytes, limits.inflatedBytes))
        predictions = Slab { address in address.initialize(to: Prediction(at: address)) }
        lanes = .allocate(capacity: VersionSlots.limit)
        laneOwners = .allocate(capacity: VersionSlots.limit)
        laneOwners.initialize(repeating: 0, count: VersionSlots.limit)
        waiting = .allocate(capacity: Self.waitingMax)
        scratch = .allocate(byteCount: 64, alignment: 64)
        fields = .allocate(capacity: HTTPEngine.fieldLimit)
        timing = .allocate(byteCount: 64, alignment: 8)
        feedbackReturn = .passUnretained(feedbackReturnOwner)
        super.init(port, limits: limits, secure: secure)
        engine.fieldNames = .passUnretained(fieldNames)
        if let executors {
            let lanes = UnsafeMutablePointer<PooledLanes>.allocate(capacity: 1)
            lanes.initialize(to: PooledLanes(executors, waking: reactor))
            pooled = lanes
        }
        adopt()
    }

    deinit {
        pooled?.deinitialize(count: 1)
        pooled?.deallocate()
        for slot in 0..<VersionSlots.limit where laneOwners[slot] != 0 { (lanes + slot).deinitialize(count: 1) }
        lanes.deallocate()
        laneOwners.deallocate()
        waiting.deallocate()
        guards.deallocate()
        scratch.deallocate()
        fields.deallocate()
        timing.deallocate()
    }

    override func request(_ stream: Stream) {
        if publication._withUnsafeGuaranteedRef({ $0.address }) != snapshotAddress { adopt() }
        if stream.pointee.call.isCall { return call(stream) }
        let target = RequestTarget(stream.pointee.target)
        if target.endpoint.takesPOST {
            guard stream.pointee.method == .post else { return refuseMethod(stream, "POST") }
            if target.endpoint == .feedback { return feedback(stream, target) }
            predict(stream, target)
        } else {
            answerDocument(stream, target)
        }
    }

    override func received(_ stream: Stream) { callContinues(stream) }

    override func cancelled(_ stream: Stream) {
        if stream.pointee.call.isCall { shard.add(metrics.calls[CallMethod(stream.pointee.target), .cancelled]) }
        if stream.pointee.call.isOpen { watchers.remove(stream) }
        guard let user = stream.pointee.user else { return feedbackCalls.drop(stream) }
        let prediction = user.assumingMemoryBound(to: Prediction.self)
        cancel(prediction)
        if isTraced(stream) { trace(stream, TracedRequest(.cancelled, prediction, nanos: nil)) }
    }

    override func expired(_ stream: Stream) {
        if let user = stream.pointee.user { return expire(user.assumingMemoryBound(to: Prediction.self), stream) }
        feedbackCalls.drop(stream)
        shard.add(metrics.unroutedTimeout)
        let endpoint = stream.pointee.call.isCall ? Endpoint.modelInfer : RequestTarget(stream.pointee.target).endpoint
        refuse(stream, Self.late)
        if isTraced(stream) { trace(stream, TracedRequest(.timeout, endpoint)) }
    }

    override func ended() { stepAside() }

    override func roundEnded() {
        if pooled != nil { passPooled() }
        // A lane may fill another one that comes before it: what it could not have in time, a fallback is to answer.
        while waitingDone < waitingCount {
            waitingDone += 1
            runLane(waiting[waitingDone - 1])
        }
        (waitingDone, waitingCount) = (0, 0)
        if pooled != nil { signalPooled() }
        let inflation = engine.takeInflationCounts()
        if inflation.isNews { count(inflation) }
        if !watchers.isEmpty { updateWatchers() }
        if feedbackReturn._withUnsafeGuaranteedRef({ $0.hasNews }) { answerFeedback() }
        settleRound()
    }

    // MARK: Refusals

    func refuse(_ stream: Stream, _ error: RequestError) {
        if stream.pointee.call.isCall {
            let method = CallMethod(stream.pointee.target)
            return refuseCall(stream, method, GRPCStatus(httpStatus: error.status, error.message))
        }
        engine.respond(stream, fault: HTTPFault(error.status, error.message))
    }

    /// A request that reached no version.
    func refuseUnrouted(_ stream: Stream, _ error: RequestError) {
        shard.add(metrics.unrouted)
        refuse(stream, error)
    }

    func refuseMethod(_ stream: Stream, _ allowed: StaticString) {
        shard.add(metrics.unrouted)
        Documents.error("method not allowed here: use \(allowed)", into: &stream.pointee.responseBody)
        let value = UnsafeRawBufferPointer(start: allowed.utf8Start, count: allowed.utf8CodeUnitCount)
        fields.initialize(to: HTTPField("allow", value))
        engine.respond(stream, status: 405, fields: .init(start: fields, count: 1))
    }
}
