// The steps on the admin plane, on a thread of their own: a slow admin plane delays its next step, never a request.
//
//     load    ├───────────────────────────┤ end(): waits for what is under way, at most `patience`
//     steps      ├─ 1 ─┤   ├───── 2 ──────┼───┤ made          ┆
//                                ╳ 3      ┊   not made: 2 was slow
//                          ├───── 2 ──────┼───────────────────┆─ ─ ─ given up, and told so
//
// Nobody joins the thread: it is detached, holds this object as long as it runs, and writes nothing after it was given
// up. So an admin plane that never answers costs a run's results nothing but that wait.

internal import CLinux
internal import Glibc
internal import Synchronization

/// Does one step; nil, or why it could not be done.
public typealias StepAction = @Sendable (AdminStep) -> String?

final class StepRunner: Sendable {
    static let patienceNanos: UInt64 = 30_000_000_000
    /// After the load's end, a step is made that is at most so late: one that was due in its last moment.
    static let latenessMaxNanos: UInt64 = 1_000_000_000

    private struct State {
        var marks: [LoadTestResult.Mark] = []
        /// The step whose turn it is, and when it began; nil: it waits for its moment.
        var turn = 0
        var began: Double?
        var isLoadOver = false
        var isGivenUp = false
        var isDone = false
    }

    private let steps: [AdminStep]
    private let start: UInt64
    private let patience: UInt64
    private let isStopped: @Sendable () -> Bool
    private let act: StepAction
    /// The thread writes it after each step, `end` when the load is over.
    private let state = Mutex(State())

    /// - Parameters:
    ///   - start: when the first phase begins, in nanoseconds of the monotonic clock.
    ///   - patience: nanoseconds that a step may take beyond the load's end.
    ///   - isStopped: the run was interrupted: no further step is made.
    init(
        _ steps: [AdminStep], start: UInt64, patience: UInt64 = StepRunner.patienceNanos,
        isStopped: @escaping @Sendable () -> Bool = { false }, act: @escaping StepAction
    ) {
        (self.steps, self.start, self.patience) = (steps, start, patience)
        (self.isStopped, self.act) = (isStopped, act)
    }

    func begin() {
        guard !steps.isEmpty else { return }
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { context in
                Unmanaged<StepRunner>.fromOpaque(context.unsafelyUnwrapped).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        precondition(code == 0, "the kernel gave no thread")
        pthread_detach(thread)
    }

    /// The load is over: waits a bounded time for the steps; what was done, when, and what was not.
    func end() -> [LoadTestResult.Mark] {
        guard !steps.isEmpty else { return [] }
        let deadline = clinux_now() + patience
        state.withLock { $0.isLoadOver = true }
        while clinux_now() < deadline, !state.withLock({ $0.isDone }) { usleep(5000) }
        let now = seconds()
        return state.withLock { state in
            state.isGivenUp = true
            if !state.isDone { giveUp(&state, now) }
            return state.marks
        }
    }

    private func giveUp(_ state: inout State, _ now: Double) {
        if let began = state.began {
            let problem = "has not ended \(Text.time(Double(patience))) after the load"
            state.marks.append(.init(at: began, ended: now, text: steps[state.turn].text, problem: problem))
            state.turn += 1
        }
        if isStopped() { return }
        for step in steps[state.turn...] { state.marks.append(Self.missed(step)) }
    }

    private static func missed(_ step: AdminStep) -> LoadTestResult.Mark {
        .init(
            at: step.seconds, ended: step.seconds, text: step.text,
            problem: "was not made: the load was over when its turn came")
    }

    // MARK: The thread

    private func run() {
        for (index, step) in steps.enumerated() {
            guard let isDue = wait(for: step) else { break }
            let began = seconds()
            let isWanted = state.withLock { state in
                guard !state.isGivenUp else { return false }
                state.turn = index
                if isDue {
                    state.began = began
                } else {
                    state.marks.append(Self.missed(step))
                    state.turn = index + 1
                }
                return true
            }
            guard isWanted else { return }
            if isDue { make(step, began: began) }
        }
        state.withLock { $0.isDone = true }
    }

    private func make(_ step: AdminStep, began: Double) {
        let problem = act(step)
        let mark = LoadTestResult.Mark(at: began, ended: seconds(), text: step.text, problem: problem)
        state.withLock { state in
            guard !state.isGivenUp else { return }
            state.marks.append(mark)
            state.began = nil
            state.turn += 1
        }
    }

    /// Waits for a step's moment; false: it is long over, and so is the load; nil: no further step is wanted.
    private func wait(for step: AdminStep) -> Bool? {
        let due = start + UInt64(step.seconds * 1e9)
        while !isStopped() {
            let (isLoadOver, isGivenUp) = state.withLock { ($0.isLoadOver, $0.isGivenUp) }
            if isGivenUp { return nil }
            let now = clinux_now()
            if now >= due { return !(isLoadOver && now - due > Self.latenessMaxNanos) }
            usleep(UInt32(min((due - now) / 1000 + 1, 100_000)))
        }
        return nil
    }

    private func seconds() -> Double { (Double(clinux_now()) - Double(start)) / 1e9 }
}
