// A scorer that goes wrong on purpose: what a manifest's `fault` asks for, around the model itself.

import Batching
import CLinux
import Execution
import Glibc
import Inference
import Registry
import Synchronization

// SAFETY: constants, and a counter that is atomic.
final class FaultyScorer: @unchecked Sendable {
    private let fault: ModelFault
    private let model: CompiledModel
    /// Requests so far: every so-manieth fails, so that a test sees the share it asked for.
    private let requests = Atomic<UInt64>(0)

    init(_ fault: ModelFault, _ model: CompiledModel) {
        self.fault = fault
        self.model = model
    }

    var address: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

    static let score: ScoringFunction.Call = { context, jobs, count, scratch, bytes in
        Unmanaged<FaultyScorer>.fromOpaque(context)._withUnsafeGuaranteedRef { scorer in
            scorer.score(
                UnsafeMutableBufferPointer(start: jobs.assumingMemoryBound(to: ScoringJob.self), count: count),
                UnsafeMutableRawBufferPointer(start: scratch, count: bytes))
        }
    }

    private func score(_ jobs: UnsafeMutableBufferPointer<ScoringJob>, _ scratch: UnsafeMutableRawBufferPointer) {
        if fault.hangs { pause(ModelFault.hangNanos) }
        if fault.delayNanos > 0 { pause(fault.delayNanos) }
        model.score(jobs, scratch: scratch)
        for index in jobs.indices {
            let number = requests.add(1, ordering: .relaxed).newValue
            if fault.isNaN { jobs[index].status = .nonFinite }
            let (before, after) = (Double(number - 1) * fault.errors, Double(number) * fault.errors)
            if after.rounded(.down) > before.rounded(.down) { jobs[index].status = .fault }
        }
    }

    private func pause(_ nanos: UInt64) {
        var left = timespec(tv_sec: Int(nanos / 1_000_000_000), tv_nsec: Int(nanos % 1_000_000_000))
        var rest = timespec()
        while nanosleep(&left, &rest) != 0 { left = rest }
    }
}
