// Accepting, reading, writing and closing.

import CLinux
import Glibc
import Primitives
import Synchronization

extension Reactor {
    // MARK: Accept

    /// Accepts from the listener of this index.
    func accept(on index: Int, atMost count: Int? = nil) {
        guard isListening else { return }
        let listener = listeners[index]
        for _ in 0..<(count ?? limits.acceptsPerRound) {
            let descriptor = clinux_accept4(
                listener.descriptor, nil, nil, Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue))
            if descriptor >= 0 {
                adopt(descriptor, from: index)
                continue
            }
            switch errno {
            case ECONNABORTED, EINTR: continue
            case EMFILE, ENFILE: refuseWithSpare(listener)
            default: break
            }
            return
        }
    }

    /// Out of descriptors, the waiting connection would wake epoll for ever: close it with the spare one.
    private func refuseWithSpare(_ listener: Listener) {
        if spareDescriptor >= 0 { Glibc.close(spareDescriptor) }
        let descriptor = clinux_accept4(listener.descriptor, nil, nil, Int32(SOCK_CLOEXEC.rawValue))
        if descriptor >= 0 { Glibc.close(descriptor) }
        spareDescriptor = Self.openSpare()
    }

    private func adopt(_ descriptor: Int32, from listener: Int) {
        let others = connections.current.add(1, ordering: .relaxed).oldValue
        if others >= connections.limit + limits.refusalsAtOnce {
            connections.current.subtract(1, ordering: .relaxed)
            Glibc.close(descriptor)
            return
        }
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        let channel = channels.take()
        channel.pointee.descriptor = descriptor
        channel.pointee.generation = (channel.pointee.generation &+ 1) & 0x7FFF_FFFF
        channel.pointee.state = .open
        channel.pointee.hasEnded = false
        remember(channel)
        channel.pointee.connection = handler.opened(
            handler.context, channel, listener, others >= connections.limit)
        channel.pointee.interest = EPOLLIN.rawValue
        var event = clinux_epoll_event(channel.pointee.interest, channel.pointee.token)
        epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event)
        arm(channel)
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

    // MARK: Read

    func receive(_ channel: UnsafeMutablePointer<Channel>) {
        if channel.pointee.state == .open, let connection = channel.pointee.connection,
            !handler.wantsInput(handler.context, connection)
        {
            return  // The kernel keeps the bytes, and says so again in the next round.
        }
        let count = recv(channel.pointee.descriptor, readBuffer, limits.readBytes, 0)
        if count < 0 {
            if errno != EAGAIN && errno != EINTR { close(channel) }
            return
        }
        if channel.pointee.state == .lingering {
            if count == 0 { close(channel) }
            return
        }
        if count == 0 { channel.pointee.hasEnded = true }
        guard let connection = channel.pointee.connection else { return }
        handler.received(handler.context, connection, readBuffer, count)
        markDirty(channel)
    }

    // MARK: Write

    /// The connection may have output, or be finished: look at it at the end of the round.
    public func markDirty(_ handle: UnsafeMutableRawPointer) {
        markDirty(handle.assumingMemoryBound(to: Channel.self))
    }

    func markDirty(_ channel: UnsafeMutablePointer<Channel>) {
        if channel.pointee.isDirty { return }
        if dirtyCount == dirtyCapacity { growDirty() }
        channel.pointee.isDirty = true
        dirty[dirtyCount] = channel
        dirtyCount += 1
    }

    private func growDirty() {
        let larger = UnsafeMutablePointer<UnsafeMutablePointer<Channel>>.allocate(capacity: dirtyCapacity * 2)
        larger.update(from: dirty, count: dirtyCount)
        dirty.deallocate()
        dirty = larger
        dirtyCapacity *= 2
    }

    func flushDirty() {
        // A flush can mark channels again (a pipelined request that waited for room): they wait a round.
        let count = dirtyCount
        for index in 0..<count {
            let channel = dirty[index]
            channel.pointee.isDirty = false
            if channel.pointee.descriptor >= 0 { flush(channel) }
        }
        dirty.update(from: dirty + count, count: dirtyCount - count)
        dirtyCount -= count
    }

    private func flush(_ channel: UnsafeMutablePointer<Channel>) {
        guard channel.pointee.state == .open, let connection = channel.pointee.connection else { return }
        guard sendUnsent(channel) else { return }
        while true {
            let count = handler.produce(handler.context, connection, writeBuffer, limits.writeBytes)
            if count == 0 { break }
            let sent = send(channel.pointee.descriptor, writeBuffer, count, Int32(MSG_NOSIGNAL))
            if sent == count { continue }
            if sent < 0 && errno != EAGAIN && errno != EINTR { return close(channel) }
            channel.pointee.unsent.append(writeBuffer + max(sent, 0), count - max(sent, 0))
            break
        }
        settle(channel, connection)
    }

    /// Sends what an earlier write left; false: the channel is still blocked, or closed.
    private func sendUnsent(_ channel: UnsafeMutablePointer<Channel>) -> Bool {
        guard channel.pointee.isBlocked else { return true }
        let start = channel.pointee.unsentStart
        let count = channel.pointee.unsent.count - start
        let sent = send(
            channel.pointee.descriptor, channel.pointee.unsent.pointer + start, count, Int32(MSG_NOSIGNAL))
        if sent < 0 && errno != EAGAIN && errno != EINTR {
            close(channel)
            return false
        }
        channel.pointee.unsentStart += max(sent, 0)
        if channel.pointee.isBlocked { return false }
        channel.pointee.unsent.reset(keeping: 0)
        channel.pointee.unsentStart = 0
        return true
    }

    /// After a flush: the right epoll interest, the timer, or the end.
    private func settle(_ channel: UnsafeMutablePointer<Channel>, _ connection: UnsafeMutableRawPointer) {
        if !channel.pointee.isBlocked, handler.isFinished(handler.context, connection) { return linger(channel) }
        // A blocked channel is not read; one whose peer has finished sending has nothing to read.
        if channel.pointee.isBlocked {
            setInterest(channel, EPOLLOUT.rawValue)
        } else {
            let reads = !channel.pointee.hasEnded && handler.wantsInput(handler.context, connection)
            setInterest(channel, reads ? EPOLLIN.rawValue : 0)
        }
        arm(channel)
    }

    private func setInterest(_ channel: UnsafeMutablePointer<Channel>, _ interest: UInt32) {
        if interest == channel.pointee.interest { return }
        channel.pointee.interest = interest
        var event = clinux_epoll_event(interest, channel.pointee.token)
        epoll_ctl(epoll, EPOLL_CTL_MOD, channel.pointee.descriptor, &event)
    }

    // MARK: Close

    /// Shuts our side; closing with unread input would reset the peer before it has read the answer.
    private func linger(_ channel: UnsafeMutablePointer<Channel>) {
        release(channel)
        if channel.pointee.hasEnded { return close(channel) }
        channel.pointee.state = .lingering
        shutdown(channel.pointee.descriptor, Int32(SHUT_WR))
        setInterest(channel, EPOLLIN.rawValue)
        wheel.arm(channel.pointee.timer, at: now + limits.lingerNanos)
    }

    /// The protocol lets go of the connection.
    private func release(_ channel: UnsafeMutablePointer<Channel>) {
        guard let connection = channel.pointee.connection else { return }
        channel.pointee.connection = nil
        handler.closed(handler.context, connection)
    }

    func close(_ channel: UnsafeMutablePointer<Channel>) {
        release(channel)
        wheel.disarm(channel.pointee.timer)
        byDescriptor[Int(channel.pointee.descriptor)] = nil
        Glibc.close(channel.pointee.descriptor)
        channel.pointee.descriptor = -1
        channel.pointee.unsent.reset(keeping: 0)
        channel.pointee.unsentStart = 0
        forget(channel)
        connections.current.subtract(1, ordering: .relaxed)
    }

    private func forget(_ channel: UnsafeMutablePointer<Channel>) {
        let next = channel.pointee.next
        let previous = channel.pointee.previous
        if let previous { previous.pointee.next = next } else { open = next }
        next?.pointee.previous = previous
        openCount.store(openCount.load(ordering: .relaxed) - 1, ordering: .relaxed)
        channels.give(channel)
    }
}
