// The steps on the admin plane, on a thread of their own: a slow admin plane delays its next step, never a request.

internal import CLinux
internal import Glibc
internal import Synchronization

/// Does one step; nil, or why it could not be done.
public typealias StepAction = @Sendable (AdminStep) -> String?

// SAFETY: the steps and the action never change; the marks are behind a mutex.
final class StepRunner: @unchecked Sendable {
    private let steps: [AdminStep]
    private let start: UInt64
    private let act: StepAction
    private let marks = Mutex<[LoadTestResult.Mark]>([])
    private var thread: pthread_t?

    /// - Parameter start: when the first phase begins, in nanoseconds of the monotonic clock.
    init(_ steps: [AdminStep], start: UInt64, act: @escaping StepAction) {
        (self.steps, self.start, self.act) = (steps, start, act)
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
        self.thread = thread
    }

    /// Waits for the last step; what was done, and when.
    func end() -> [LoadTestResult.Mark] {
        if let thread { pthread_join(thread, nil) }
        return marks.withLock { $0 }
    }

    private func run() {
        for step in steps {
            let due = start + UInt64(step.seconds * 1e9)
            while true {
                let now = clinux_now()
                guard now < due else { break }
                usleep(UInt32(min((due - now) / 1000 + 1, 100_000)))
            }
            let began = seconds()
            let problem = act(step)
            let mark = LoadTestResult.Mark(at: began, ended: seconds(), text: step.text, problem: problem)
            marks.withLock { $0.append(mark) }
        }
    }

    private func seconds() -> Double { Double(clinux_now() - start) / 1e9 }
}
