// What systemd is told, over the datagram socket that NOTIFY_SOCKET names (sd_notify(3)); nobody, where it names none.
//
//     READY=1 ─► WATCHDOG=1 … ─► RELOADING=1, MONOTONIC_USEC ─► READY=1 ─► STOPPING=1
//
// The watchdog is fed while every reactor's heartbeat is young; one that hangs starves it, and systemd restarts the
// process.

import CLinux
import Glibc

struct ServiceManager {
    private let address: sockaddr_un
    private let length: socklen_t
    private let socket: Int32
    /// How often the watchdog is fed: at half its time; nil: there is none.
    let watchdogNanos: UInt64?

    /// nil: no service manager started the process, or it does not listen.
    init?() {
        guard let path = getenv("NOTIFY_SOCKET").map({ String(cString: $0) }),
            let (address, length) = UnixSocket.address(path)
        else { return nil }
        socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return nil }
        (self.address, self.length) = (address, length)
        watchdogNanos = Self.number("WATCHDOG_USEC").flatMap { micros in
            let isOurs = Self.number("WATCHDOG_PID").map { $0 == UInt64(getpid()) } ?? true
            return isOurs && micros > 0 ? max(micros * 1000 / 2, 1_000_000) : nil
        }
    }

    private static func number(_ variable: String) -> UInt64? {
        getenv(variable).flatMap { UInt64(String(cString: $0)) }
    }

    func ready() { send("READY=1\nSTATUS=serving") }

    /// Before a reload; `ready` ends it.
    func reloading() { send("RELOADING=1\nMONOTONIC_USEC=\(clinux_now() / 1000)") }

    func stopping() { send("STOPPING=1\nSTATUS=draining") }

    /// Another process serves from now on, under the same unit.
    func handedOver(to process: Int32) { send("MAINPID=\(process)\nSTATUS=draining; process \(process) serves") }

    func feedWatchdog() { send("WATCHDOG=1") }

    private func send(_ text: String) {
        var address = address
        let bytes = Array(text.utf8)
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, length)
            }
        }
    }
}
