// Accepting: from whom, how many, and what to do when there is no descriptor left.
//
//     accept ─► over the listener's or the address' limit? ── a few ─► taken, to be told 503
//                            │                             └─ more ──► closed at once
//                            └─ no ─► taken
//     EMFILE ─► the spare descriptor is given up to accept one and close it; without a spare the listener rests for
//               100 ms. A socket that nobody accepts would wake epoll for ever (nghttpd: 91% CPU).

import CLinux
import Glibc
public import Primitives
import Synchronization

extension Reactor {
    /// How long a listener rests that the kernel gives nothing.
    static let restNanos: UInt64 = 100_000_000

    /// Accepts from the listener of this index.
    func accept(on index: Int, atMost count: Int? = nil) {
        guard isListening else { return }
        let listener = listeners[index]
        for _ in 0..<(count ?? limits.acceptsPerRound) {
            var storage = sockaddr_storage()
            let descriptor = Self.accept(listener.descriptor, &storage)
            if descriptor >= 0 {
                adopt(descriptor, from: index, PeerAddress(storage))
                continue
            }
            switch errno {
            case ECONNABORTED, EINTR: continue
            case EAGAIN: return
            case EMFILE, ENFILE:
                metrics?.count(.descriptors)
                if refuseWithSpare(listener) { continue }
                return rest()
            // ENOBUFS, ENOMEM: nothing that asking again at once would change.
            default: return rest()
            }
        }
        metrics?.count(.acceptsPerRound)
    }

    private static func accept(_ listener: Int32, _ storage: inout sockaddr_storage) -> Int32 {
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                clinux_accept4(
                    listener, address, &length, Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue))
            }
        }
    }

    /// Closes the waiting connection by means of the spare descriptor; false: that did not work either.
    private func refuseWithSpare(_ listener: Listener) -> Bool {
        guard spareDescriptor >= 0 else {
            spareDescriptor = Self.openSpare()
            return false
        }
        Glibc.close(spareDescriptor)
        let descriptor = clinux_accept4(listener.descriptor, nil, nil, Int32(SOCK_CLOEXEC.rawValue))
        if descriptor >= 0 { Glibc.close(descriptor) }
        spareDescriptor = Self.openSpare()
        return descriptor >= 0 && spareDescriptor >= 0
    }

    /// Takes the listeners out of epoll for a while.
    private func rest() {
        if restsUntil == 0 { setListening(0) }
        restsUntil = now + Self.restNanos
    }

    /// Listens again when the rest is over.
    func endRest() {
        guard restsUntil != 0, now >= restsUntil else { return }
        restsUntil = 0
        setListening(EPOLLIN.rawValue)
    }

    private func setListening(_ interest: UInt32) {
        guard isListening else { return }
        for (index, listener) in listeners.enumerated() {
            var event = clinux_epoll_event(interest, Self.listenerTag | UInt64(index))
            epoll_ctl(epoll, EPOLL_CTL_MOD, listener.descriptor, &event)
        }
    }

    // MARK: Admission

    enum Admission { case taken, refused, turnedAway }

    func adopt(_ descriptor: Int32, from listener: Int, _ address: PeerAddress) {
        metrics?.accepted(on: listener)
        let announces = isProxy(listener, address)
        let admission = admit(listener, address, isCounted: !announces)
        if admission == .turnedAway {
            leave(listener, address, isCounted: !announces)
            metrics?.turnAway()
            Glibc.close(descriptor)
            return
        }
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        let channel = channels.take()
        channel.pointee.open(descriptor, listener, address)
        remember(channel)
        if announces {
            awaitAnnouncement(channel)
        } else {
            channel.pointee.connection = handler.opened(handler.context, channel, listener, admission == .refused)
        }
        channel.pointee.interest = EPOLLIN.rawValue
        var event = clinux_epoll_event(channel.pointee.interest, channel.pointee.token)
        epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event)
        arm(channel)
    }

    /// Counts the connection, and judges it.
    private func admit(_ listener: Int, _ address: PeerAddress, isCounted: Bool) -> Admission {
        let others = connections[listener].current.add(1, ordering: .relaxed).oldValue
        if isCounted { return admitAddress(listener, address, among: others) }
        return others - connections[listener].limit < limits.refusalsAtOnce ? .taken : .turnedAway
    }

    /// Counts the address; `others`: how many connections the listener has besides, where that was just counted.
    func admitAddress(_ listener: Int, _ address: PeerAddress, among others: Int? = nil) -> Admission {
        let count = connections[listener]
        let over = (others ?? count.current.load(ordering: .relaxed) - 1) - count.limit
        let own = addresses.map { $0.limit > 0 ? $0.enter(address) - $0.limit : -1 } ?? -1
        if max(over, own) < 0 { return .taken }
        metrics?.count(over >= own ? .connections : .connectionsPerAddress)
        return max(over, own) < limits.refusalsAtOnce ? .refused : .turnedAway
    }

    /// The connection counts no more.
    func leave(_ listener: Int, _ address: PeerAddress, isCounted: Bool) {
        connections[listener].current.subtract(1, ordering: .relaxed)
        if isCounted, let addresses, addresses.limit > 0 { addresses.leave(address) }
    }

    /// Enters the channel in the table by descriptor and in the list of open ones.
    private func remember(_ channel: UnsafeMutablePointer<Channel>) {
        let descriptor = Int(channel.pointee.descriptor)
        if descriptor >= byDescriptorCount { growTable(to: descriptor + 1) }
        byDescriptor[descriptor] = channel
        channel.pointee.previous = nil
        channel.pointee.next = open
        open?.pointee.previous = channel
        open = channel
        openCount.store(openCount.load(ordering: .relaxed) + 1, ordering: .relaxed)
    }

    private func growTable(to count: Int) {
        let larger = max(count, byDescriptorCount * 2)
        let table = UnsafeMutablePointer<UnsafeMutablePointer<Channel>?>.allocate(capacity: larger)
        table.initialize(repeating: nil, count: larger)
        table.update(from: byDescriptor, count: byDescriptorCount)
        byDescriptor.deallocate()
        byDescriptor = table
        byDescriptorCount = larger
    }

    /// Where the peer of a channel is.
    public func address(of handle: UnsafeMutableRawPointer) -> PeerAddress {
        handle.assumingMemoryBound(to: Channel.self).pointee.address
    }
}
