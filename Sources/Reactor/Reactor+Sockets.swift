// Reading, writing and closing.

import CLinux
import Glibc
import Primitives
import Synchronization

extension Reactor {
    // MARK: Read

    func receive(_ channel: UnsafeMutablePointer<Channel>) {
        if channel.pointee.state == .announcing { return receiveAnnouncement(channel) }
        if channel.pointee.state == .lingering { return drop(channel) }
        let count = recv(channel.pointee.descriptor, readBuffer, limits.readBytes, 0)
        if count < 0 {
            if errno != EAGAIN && errno != EINTR { close(channel) }
            return
        }
        if count == 0 { channel.pointee.hasEnded = true }
        guard let connection = channel.pointee.connection else { return }
        handler.received(handler.context, connection, readBuffer, count)
        markDirty(channel)
    }

    /// Drops what comes for a shut socket; the kernel does not even copy it (MSG_TRUNC, tcp(7)).
    private func drop(_ channel: UnsafeMutablePointer<Channel>) {
        let count = recv(channel.pointee.descriptor, readBuffer, limits.readBytes, Int32(MSG_TRUNC))
        if count < 0 && (errno == EAGAIN || errno == EINTR) { return }
        channel.pointee.lingered += max(count, 0)
        if count > 0 && channel.pointee.lingered <= limits.lingerBytes { return }
        if count > 0 { metrics?.count(.lingerBytes) }
        close(channel)
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
        // A flush can mark channels again, as there is more than it may write: they wait a round.
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
        for turn in 1... {
            let count = handler.produce(handler.context, connection, writeBuffer, limits.writeBytes)
            if count == 0 { break }
            let sent = send(channel.pointee.descriptor, writeBuffer, count, Int32(MSG_NOSIGNAL))
            if sent == count {
                if turn < limits.writesPerRound { continue }
                // There may be more: after the others.
                markDirty(channel)
                break
            }
            if sent < 0 && errno != EAGAIN && errno != EINTR { return close(channel) }
            channel.pointee.unsent.append(writeBuffer + max(sent, 0), count - max(sent, 0))
            channel.pointee.blockedAt = now
            channel.pointee.sentBlocked = 0
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
        channel.pointee.sentBlocked += max(sent, 0)
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
        } else if handler.wantsInput(handler.context, connection) {
            setInterest(channel, channel.pointee.hasEnded ? 0 : EPOLLIN.rawValue)
        } else if handler.isBehind(handler.context, connection) {
            // Its socket is not asked while it waits, so epoll need not hear of it.
            waiting.append(channel)
        } else {
            setInterest(channel, 0)
        }
        arm(channel)
    }

    /// When a peer that reads too slowly is given up.
    func sendDue(_ channel: UnsafeMutablePointer<Channel>) -> UInt64 {
        guard channel.pointee.isBlocked, limits.sendRate > 0 else { return .max }
        let nanos = UInt64(channel.pointee.sentBlocked) * 1_000_000_000 / UInt64(limits.sendRate)
        return channel.pointee.blockedAt + limits.sendGraceNanos + nanos
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
        waiting.remove(channel)
        wheel.disarm(channel.pointee.timer)
        byDescriptor[Int(channel.pointee.descriptor)] = nil
        Glibc.close(channel.pointee.descriptor)
        channel.pointee.descriptor = -1
        channel.pointee.unsent.reset(keeping: 0)
        channel.pointee.unsentStart = 0
        leave(channel.pointee.listener, channel.pointee.address, isCounted: channel.pointee.isCounted)
        forget(channel)
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
