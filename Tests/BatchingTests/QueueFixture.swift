// Jobs, a scorer whose answer can be checked, and a completion lane that a test reads.

import CLinux
import Foundation
import Inference
import Primitives
import Synchronization

@testable import Batching

/// Scores a row of one float by 2 x + 1.
enum Doubler {
    static func scoring(context: UnsafeMutableRawPointer = UnsafeMutableRawPointer(bitPattern: 8)!) -> ScoringFunction {
        ScoringFunction(
            context: context,
            call: { _, jobs, count, _, _ in
                Doubler.score(
                    UnsafeMutableBufferPointer(start: jobs.assumingMemoryBound(to: ScoringJob.self), count: count))
            }, scratchBytes: 64, featureCount: 1, columns: 1, scoreType: .float32)
    }

    static func score(_ jobs: UnsafeMutableBufferPointer<ScoringJob>) {
        for job in jobs {
            for row in 0..<job.rowCount {
                let value = job.values.load(fromByteOffset: 4 * row, as: Float.self)
                job.scores.storeBytes(of: 2 * value + 1, toByteOffset: 4 * row, as: Float.self)
            }
        }
    }
}

/// A request with rows `first`, `first + 1`, …
final class JobFixture {
    let request: UnsafeMutablePointer<InferenceRequest>
    let job: UnsafeMutablePointer<QueuedJob>

    init() {
        request = .allocate(capacity: 1)
        request.initialize(to: InferenceRequest())
        job = .allocate(capacity: 1)
        job.initialize(to: QueuedJob(request: request, ticket: UnsafeMutableRawPointer(request)))
    }

    convenience init(first: Int, rows: Int) {
        self.init()
        fill(first: first, rows: rows)
    }

    func fill(first: Int, rows: Int) {
        request.pointee.reset()
        request.pointee.rowCount = rows
        request.pointee.values.reserve(4 * rows)
        request.pointee.values.count = 4 * rows
        for row in 0..<rows {
            request.pointee.values.pointer.storeBytes(of: Float(first + row), toByteOffset: 4 * row, as: Float.self)
        }
    }

    /// Whether every score is its own row's.
    func isScored(first: Int) -> Bool {
        (0..<request.pointee.rowCount).allSatisfy { row in
            request.pointee.scores.pointer.load(fromByteOffset: 4 * row, as: Float.self) == Float(2 * (first + row) + 1)
        }
    }

    deinit {
        job.deinitialize(count: 1)
        job.deallocate()
        request.deinitialize(count: 1)
        request.deallocate()
    }
}

/// A reactor's side, with an event in the place of its eventfd.
final class HomeFixture: @unchecked Sendable {
    // SAFETY: the lane says itself; the event is atomic.
    let lane: UnsafeMutablePointer<CompletionLane>
    private let events = Atomic<Int>(0)
    private let word = WakeWord()

    init(capacity: Int = 4096) {
        lane = .allocate(capacity: 1)
        lane.initialize(
            to: CompletionLane(
                capacity: capacity, context: Unmanaged.passUnretained(self).toOpaque(),
                wake: { Unmanaged<HomeFixture>.fromOpaque($0).takeUnretainedValue().wake() }))
    }

    deinit {
        lane.deinitialize(count: 1)
        lane.deallocate()
    }

    private func wake() {
        events.add(1, ordering: .acquiringAndReleasing)
        word.signal()
    }

    /// Waits for the event, as epoll does, and takes it; false: a minute has passed without it.
    @discardableResult
    func wait() -> Bool {
        let end = clinux_now() + 60_000_000_000
        while events.exchange(0, ordering: .acquiringAndReleasing) == 0 {
            let now = clinux_now()
            if now >= end { return false }
            let key = word.prepare()
            if events.load(ordering: .acquiring) > 0 { word.cancel() } else { word.sleep(since: key, nanos: end - now) }
        }
        return true
    }

    func takeAll(_ body: (UnsafeMutablePointer<QueuedJob>) -> Void) {
        lane.pointee.beginTaking()
        while let job = lane.pointee.take() { body(job) }
    }
}

func makeQueue(
    _ limits: QueueLimits = QueueLimits(), rowNanos: Double = 1000, tag: Int = 0,
    scoring: ScoringFunction = Doubler.scoring()
) -> VersionQueue {
    VersionQueue(tag: tag, limits: limits, scoring: scoring, nanosAlone: rowNanos, nanosInBatch: rowNanos)
}
