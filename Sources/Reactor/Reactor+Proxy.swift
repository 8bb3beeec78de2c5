// Connections of trusted load balancers: the header they begin with is read before any protocol sees a byte.
//
// It is read to its last byte and no further, into the buffer for unsent output, which nothing else uses yet.

import Glibc
import Primitives

extension Reactor {
    func isProxy(_ listener: Int, _ address: PeerAddress) -> Bool {
        listeners[listener].proxies.contains { $0.contains(address) }
    }

    func awaitAnnouncement(_ channel: UnsafeMutablePointer<Channel>) {
        channel.pointee.state = .announcing
        channel.pointee.isCounted = false
        wheel.arm(channel.pointee.timer, at: now + limits.announcementNanos)
    }

    func receiveAnnouncement(_ channel: UnsafeMutablePointer<Channel>) {
        while case .incomplete(let missing) = ProxyHeader(channel.pointee.unsent.bytes) {
            let count = recv(channel.pointee.descriptor, readBuffer, min(missing, limits.readBytes), 0)
            if count < 0 && (errno == EAGAIN || errno == EINTR) { return }
            if count <= 0 { return close(channel) }
            channel.pointee.unsent.append(readBuffer, count)
        }
        switch ProxyHeader(channel.pointee.unsent.bytes) {
        case .client(let address): channel.pointee.address = address
        case .none: break
        case .invalid, .incomplete: return close(channel)
        }
        channel.pointee.unsent.reset(keeping: 0)
        announced(channel)
    }

    /// The client is known: it is judged as if it had connected itself.
    private func announced(_ channel: UnsafeMutablePointer<Channel>) {
        wheel.disarm(channel.pointee.timer)
        channel.pointee.state = .open
        channel.pointee.isCounted = true
        let admission = admitAddress(channel.pointee.listener, channel.pointee.address)
        if admission == .turnedAway {
            metrics?.turnAway()
            return close(channel)
        }
        let connection = handler.opened(
            handler.context, channel, channel.pointee.listener, admission == .refused)
        channel.pointee.connection = connection
        if isDraining { handler.drain(handler.context, connection) }
        markDirty(channel)
        arm(channel)
    }
}
