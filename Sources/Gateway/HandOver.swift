// Hot upgrade: the listening sockets and the lock go from the process that serves to the one that will.
//
//     successor                          predecessor
//       loads everything
//       connects to STATE/upgrade.sock ──►  (only its own user, or root)
//                                    ◄──  port data 0.0.0.0 8080 + descriptors; port tls …; port metrics …
//                                    ◄──  end + the lock's descriptor
//       its reactors accept
//       ready PID                    ──►  gives the lock up
//                                    ◄──  yours
//       its socket replaces upgrade.sock  GOAWAY, connection: close; answers what is in flight; ends
//
// A listening socket is never closed, so no connection that waits in its backlog is lost; for a moment both accept.
// Until `ready` nothing has changed for the predecessor: a successor that fails only closes its copies.

import CLinux
import Glibc

/// The listening sockets of one port, as its configuration names it.
struct PortSockets: Equatable {
    var name: String
    var address: String
    /// As configured: 0 is a free one.
    var port: Int
    /// One a reactor.
    var descriptors: [Int32]
}

enum HandOver {
    static let seconds = 60
    static func path(_ folder: String) -> String { folder + "/upgrade.sock" }

    static func send(_ socket: Int32, _ text: String, _ descriptors: [Int32] = []) -> Bool {
        let bytes = Array(text.utf8)
        return clinux_send_descriptors(socket, bytes, bytes.count, descriptors, descriptors.count) == bytes.count
    }

    /// The next message; nil: the other end is gone, or too slow.
    static func receive(_ socket: Int32) -> (words: [String], descriptors: [Int32])? {
        var text = [UInt8](repeating: 0, count: 512)
        var descriptors = [Int32](repeating: -1, count: Int(CLINUX_DESCRIPTORS_MAX))
        var count = 0
        let length = clinux_receive_descriptors(socket, &text, text.count, &descriptors, &count)
        guard length > 0 else { return nil }
        let words = String(decoding: text.prefix(length), as: UTF8.self).split(separator: " ").map(String.init)
        return (words, Array(descriptors.prefix(count)))
    }
}

/// What a successor gets, and how it says that it serves.
final class Inheritance {
    private let socket: Int32
    private(set) var ports: [PortSockets] = []
    private(set) var lock: StateLock?

    /// Asks the process that serves; throws where it does not answer in full.
    init(_ folder: String) throws(StartError) {
        socket = UnixSocket.make()
        guard socket >= 0, UnixSocket.use(socket, HandOver.path(folder), connect) else {
            throw StartError(
                description: "the process that holds \(folder) does not hand over: \(String(cString: strerror(errno)))")
        }
        UnixSocket.setTimeout(socket, seconds: HandOver.seconds)
        while lock == nil {
            guard let (words, descriptors) = HandOver.receive(socket) else {
                throw StartError(description: "the process that holds \(folder) has stopped handing over")
            }
            if words.count == 4, words[0] == "port", let port = Int(words[3]) {
                add(PortSockets(name: words[1], address: words[2], port: port, descriptors: descriptors))
            } else if words == ["end"], descriptors.count == 1 {
                lock = StateLock(descriptor: descriptors[0])
            }
        }
    }

    deinit {
        close(socket)
        for port in ports { for descriptor in port.descriptors { close(descriptor) } }
    }

    private func add(_ more: PortSockets) {
        if let index = ports.firstIndex(where: { $0.name == more.name }) {
            ports[index].descriptors += more.descriptors
        } else {
            ports.append(more)
        }
    }

    /// The sockets of a port that is configured as it was, which are the caller's from now on; nil: there are none.
    func take(_ name: String, _ address: String, _ port: Int, count: Int) throws(StartError) -> [Int32]? {
        guard let index = ports.firstIndex(where: { $0.name == name && $0.address == address && $0.port == port })
        else { return nil }
        let sockets = ports.remove(at: index)
        if sockets.descriptors.count == count { return sockets.descriptors }
        ports.append(sockets)
        throw StartError(
            description: "reactors: the process that serves has \(sockets.descriptors.count), this one \(count); "
                + "an upgrade cannot change it")
    }

    /// Tells the predecessor that this process serves; true: it has given up.
    func finish() -> Bool {
        guard HandOver.send(socket, "ready \(getpid())") else { return false }
        return HandOver.receive(socket)?.words == ["yours"]
    }
}
