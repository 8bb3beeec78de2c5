// The predecessor's half of an upgrade, on a thread of its own: it waits for a successor, and signals the main thread
// (SIGUSR1) when that one serves.

import CLinux
import Glibc
import Logging
import Reactor
import Synchronization

final class HandOverServer: Sendable {
    private let folder: String
    private let ports: [PortSockets]
    private let lock: StateLock
    private let logger: Logger
    private let socket: Int32
    /// The process that serves now; 0: this one.
    let successor = Atomic<Int32>(0)

    /// Listens in the folder, in place of whoever did before.
    init(_ folder: String, _ ports: [PortSockets], _ lock: StateLock, _ logger: Logger) throws(StartError) {
        (self.folder, self.ports, self.lock, self.logger) = (folder, ports, lock, logger)
        socket = UnixSocket.make()
        let place = HandOver.path(folder)
        let own = place + ".\(getpid())"
        unlink(own)
        guard socket >= 0, UnixSocket.use(socket, own, bind), chmod(own, 0o600) == 0, listen(socket, 4) == 0,
            rename(own, place) == 0
        else {
            throw StartError(
                description: "state.path: cannot listen in \(folder): \(String(cString: strerror(errno)))")
        }
    }

    func start() { ReactorThread.start("hand-over") { self.run() } }

    private func run() {
        while successor.load(ordering: .relaxed) == 0 {
            let peer = accept(socket, nil, nil)
            if peer < 0 {
                if errno == EINTR || errno == ECONNABORTED { continue }
                return logger.error("no upgrade can be handed over: \(String(cString: strerror(errno)))")
            }
            serve(peer)
            close(peer)
        }
        close(socket)
    }

    private func serve(_ peer: Int32) {
        let user = clinux_peer_user(peer)
        guard user == Int32(geteuid()) || user == 0 else {
            return logger.warning("an upgrade was asked for by another user (\(user)) and refused")
        }
        UnixSocket.setTimeout(peer, seconds: HandOver.seconds)
        guard sendSockets(peer), let words = HandOver.receive(peer)?.words, words.count == 2, words[0] == "ready",
            let process = Int32(words[1]), process > 0
        else { return logger.warning("an upgrade was begun and not finished: this process goes on") }
        // From here on this process is not the active one.
        lock.release()
        successor.store(process, ordering: .releasing)
        _ = HandOver.send(peer, "yours")
        kill(getpid(), SIGUSR1)
    }

    private func sendSockets(_ peer: Int32) -> Bool {
        for port in ports {
            var rest = port.descriptors[...]
            while !rest.isEmpty {
                let some = rest.prefix(Int(CLINUX_DESCRIPTORS_MAX))
                rest = rest.dropFirst(some.count)
                guard HandOver.send(peer, "port \(port.name) \(port.address) \(port.port)", Array(some)) else {
                    return false
                }
            }
        }
        return HandOver.send(peer, "end", [lock.descriptor])
    }
}
