// How a gateway becomes the active process of its state, and how it starts the one after it.

import Configuration
import Glibc
import Logging
import Reactor

extension Gateway {
    /// Takes the lock of the state, if there is one; true: another process has it, and is to hand over.
    static func acquire(
        _ folder: String?, isUpgrade: Bool, _ lock: inout StateLock?
    ) throws(StartError) -> Bool {
        guard let folder else {
            if isUpgrade {
                throw StartError(description: "--upgrade needs state.path, where the process that serves is")
            }
            return false
        }
        switch try StateLock.acquire(folder) {
        case .taken(let taken):
            lock = taken
            return false
        case .held(let process):
            if isUpgrade { return true }
            throw StartError(
                description: "state.path: \(folder) is in use by process \(process); stop it, or take its place with "
                    + "--upgrade")
        }
    }

    /// The sockets of a port, handed over or bound: one a reactor.
    static func listeners(
        _ name: String, _ address: String, _ port: Int, count: Int, _ inheritance: Inheritance?
    ) throws -> [Listener] {
        if let sockets = try inheritance?.take(name, address, port, count: count) {
            return sockets.map { Listener(descriptor: $0) }
        }
        var bound = UInt16(port)
        return try (0..<count).map { _ in
            let listener = try Listener(address: address, port: bound, sharing: count > 1)
            bound = listener.port
            return listener
        }
    }

    /// With the reactors running: becomes the active process, and ready to hand over in its turn.
    func takeOver() throws(StartError) {
        guard let folder = configuration.statePath else { return }
        if let inheritance {
            lock = inheritance.lock
            guard inheritance.finish() else {
                throw StartError(description: "the process that holds \(folder) has not given it up")
            }
            lock?.sign()
            self.inheritance = nil
            controller.resume()
            logger.info("took over from the process that served before")
        }
        guard let lock else { return }
        handOver = try HandOverServer(folder, portSockets(), lock, logger)
        handOver?.start()
    }

    private func portSockets() -> [PortSockets] {
        let (data, tls, metrics) = (configuration.listen, configuration.tls, configuration.metrics)
        var ports = [
            PortSockets(
                name: "data", address: data.address, port: data.port,
                descriptors: planes.map { $0.reactor.listeners[0].descriptor })
        ]
        if secure != nil {
            ports.append(
                PortSockets(
                    name: "tls", address: tls.address, port: tls.port,
                    descriptors: planes.map { $0.reactor.listeners[1].descriptor }))
        }
        ports.append(
            PortSockets(
                name: "metrics", address: metrics.address, port: metrics.port,
                descriptors: [operations.reactor.listeners[0].descriptor]))
        ports.append(
            PortSockets(
                name: "admin", address: configuration.admin.address, port: configuration.admin.port,
                descriptors: [admin.reactor.listeners[0].descriptor]))
        return ports
    }

    /// SIGUSR2: starts the program again as it was started, with `--upgrade`.
    func startSuccessor() {
        guard handOver != nil else { return logger.error("no upgrade: state.path is not set") }
        var arguments = CommandLine.arguments.filter { $0 != "--upgrade" }
        arguments.append("--upgrade")
        var list = arguments.map { strdup($0) } + [nil]
        defer { for text in list { free(text) } }
        var process = pid_t()
        let code = posix_spawnp(&process, arguments[0], nil, nil, &list, environ)
        if code == 0 {
            logger.notice("process \(process) is started to take over")
        } else {
            logger.error("no upgrade: \(arguments[0]) cannot be started: \(String(cString: strerror(code)))")
        }
    }
}
