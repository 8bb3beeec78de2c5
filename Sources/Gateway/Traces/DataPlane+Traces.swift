// Which requests' traces are kept, decided when they end.
//
//     traceparent: sampled ──► kept          not sampled ─┐
//     none: a draw below the ratio ──► kept  above it ────┴─► slow or failed? ──► kept, else nothing
//
// What is kept goes into the exporter's ring; the histogram's bucket that the request fell into shows its trace. A trace
// that only the caller keeps is shown there too, also where this process exports nothing.

import HTTP
import Inference
import Monitoring
import Primitives
import Routing
import Telemetry

/// What one plane traces, in plain words; the gateway keeps the ring.
struct PlaneTraces {
    let ring: Unmanaged<RecordRing>
    /// Spans for which the ring had no room.
    let dropped: CounterID
    /// A request without a trace is kept if its draw is below; `.max`: always, 0: never.
    var threshold: UInt64
    /// Slower ones are kept.
    var slowNanos: UInt64
    var keepsFailures: Bool

    static func threshold(ratio: Double) -> UInt64 {
        ratio >= 1 ? .max : UInt64(ratio * 0x1p64)
    }
}

/// A request at its end.
struct TracedRequest {
    var outcome: Outcome
    var endpoint: Endpoint
    /// The slot of the version that was to answer; nil: it reached none.
    var routed: Int?
    var arm = Arm.stable
    var rows = 0
    var isFallback = false
    /// What the version's duration histogram has counted for it; nil: nothing.
    var observedNanos: UInt64?
    /// When it began to wait for its batch; 0: never.
    var queuedAt: UInt64 = 0
    /// When its batch began and ended; 0: never.
    var batch: (startedAt: UInt64, computedAt: UInt64) = (0, 0)

    /// That reached no version.
    init(_ outcome: Outcome, _ endpoint: Endpoint) {
        (self.outcome, self.endpoint) = (outcome, endpoint)
    }

    /// That was refused before it had a slot.
    init(_ outcome: Outcome, _ endpoint: Endpoint, _ routed: Int, _ arm: Arm) {
        (self.outcome, self.endpoint, self.routed, self.arm) = (outcome, endpoint, routed, arm)
    }

    init(
        _ outcome: Outcome, _ prediction: DataPlane.PredictionPointer, nanos: UInt64?, queued: Bool = true,
        batch: (startedAt: UInt64, computedAt: UInt64) = (0, 0)
    ) {
        (self.outcome, endpoint, routed) = (outcome, prediction.pointee.endpoint, prediction.pointee.routed)
        (arm, rows) = (prediction.pointee.arm, prediction.pointee.request.pointee.rowCount)
        isFallback = prediction.pointee.rung > 0
        observedNanos = nanos
        queuedAt = queued ? prediction.pointee.startedAt : 0
        self.batch = batch
    }

    /// The gateway's fault, or its model's.
    var isFailed: Bool { outcome == .modelError || outcome == .timeout || outcome == .shed }
}

extension DataPlane {
    /// Whether anything is to be done for a request's trace.
    @inline(__always)
    func isTraced(_ stream: Stream) -> Bool { traces != nil || stream.pointee.trace.isValid }

    /// Keeps the request's trace, if it is one of those. The stream has its answer.
    func trace(_ stream: Stream, _ request: TracedRequest) {
        let context = stream.pointee.trace.context
        var record = TraceRecord()
        record.arrivedAt = stream.pointee.arrivedAt
        record.endedAt = max(clock(), record.arrivedAt)
        guard isKept(context, request, nanos: record.endedAt - record.arrivedAt) else { return }
        if let context {
            (record.trace, record.parent) = (context.trace, context.parent)
            record.flags = context.flags | 1
        } else {
            // All zeros would be no trace.
            (record.trace, record.flags) = ((random.next(), random.next() | 1), 1)
        }
        if let routed = request.routed, let nanos = request.observedNanos {
            shard.exemplify(versions[routed].metrics.duration, value: nanos, trace: record.trace, at: record.endedAt)
        }
        guard let traces else { return }
        record.span = random.next() | 1
        record.outcome = request.outcome.text
        (record.rows, record.isFallback) = (UInt32(truncatingIfNeeded: request.rows), request.isFallback)
        record.isFailed = request.isFailed
        (record.queuedAt, record.startedAt) = (request.queuedAt, request.batch.startedAt)
        record.computedAt = request.batch.computedAt
        record.operation = Self.operation(request.endpoint)
        record.isHTTP2 = stream.pointee.isHTTP2
        record.status = request.outcome == .cancelled ? 499 : UInt16(truncatingIfNeeded: stream.pointee.status)
        write(&record, request, traces)
    }

    private func isKept(_ context: TraceParent.Context?, _ request: TracedRequest, nanos: UInt64) -> Bool {
        if let context {
            if context.isSampled { return true }
        } else if let traces, traces.threshold > 0 {
            if traces.threshold == .max || random.next() < traces.threshold { return true }
        }
        guard let traces else { return false }
        return nanos > traces.slowNanos || request.isFailed && traces.keepsFailures
    }

    private func write(_ record: inout TraceRecord, _ request: TracedRequest, _ traces: PlaneTraces) {
        let place = traces.ring._withUnsafeGuaranteedRef { $0.next() }
        guard let place else { return shard.add(traces.dropped, UInt64(record.spanCount)) }
        if let routed = request.routed {
            let version = versions + routed
            record.write(
                to: place, model: version.pointee.modelText, version: version.pointee.versionText,
                arm: version.pointee.arms[Int(request.arm.rawValue)].pointee.name)
        } else {
            let none = UnsafeRawBufferPointer(start: nil, count: 0)
            record.write(to: place, model: none, version: none, arm: none)
        }
        traces.ring._withUnsafeGuaranteedRef { $0.publish() }
    }

    private static func operation(_ endpoint: Endpoint) -> TraceRecord.Operation {
        switch endpoint {
        case .infer: .infer
        case .predict: .predict
        case .modelInfer: .modelInfer
        default: .unknown
        }
    }
}
