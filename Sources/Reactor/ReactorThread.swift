// A named thread for a reactor.

import CLinux
import Glibc

public enum ReactorThread {
    private final class Body {
        let name: String
        let run: @Sendable () -> Void
        init(name: String, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }

    /// Starts a detached thread; `name` is what ps and gdb show, at most 15 bytes.
    public static func start(_ name: String, _ run: @escaping @Sendable () -> Void) {
        let body = Unmanaged.passRetained(Body(name: name, run: run))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { context in
                let body = Unmanaged<Body>.fromOpaque(context.unsafelyUnwrapped).takeRetainedValue()
                clinux_name_thread(body.name)
                body.run()
                return nil
            }, body.toOpaque())
        precondition(code == 0, "the kernel gave no thread")
        pthread_detach(thread)
    }
}
