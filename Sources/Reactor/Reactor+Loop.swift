// The round: wait, read, run, write, fire timers.

import CLinux
import Glibc
import Synchronization

extension Reactor {
    /// The longest sleep: the heartbeat must move on an idle reactor too.
    static let longestSleepNanos: UInt64 = 500_000_000

    /// Serves until a drain has ended or `stop` was called.
    public func run() {
        let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: Self.eventsPerRound)
        defer { events.deallocate() }
        while true {
            if !round(events, sleepNanos: sleepNanos()) { break }
        }
        closeAll()
    }

    /// One round; false: it was the last.
    func round(_ events: UnsafeMutablePointer<epoll_event>, sleepNanos: UInt64) -> Bool {
        let count = clinux_epoll_wait(epoll, events, Int32(Self.eventsPerRound), sleepNanos)
        now = clock()
        lookedAt = now
        heartbeat.store(now, ordering: .relaxed)
        for index in 0..<Int(max(count, 0)) { handle(events + index) }
        if waiting.count > 0 { serveWaiting() }
        handler.roundEnded(handler.context)
        flushDirty()
        fireTimers()
        endRest()
        return obeyOrders()
    }

    /// How long epoll may sleep: until the next timer, or not at all with something to do. A deadline that is near
    /// counts from now, not from the round's beginning: it is not to be late for what the round did.
    func sleepNanos() -> UInt64 {
        if isExpectant {
            isExpectant = false
            // What is expected may wait for this processor.
            sched_yield()
            return 0
        }
        if dirtyCount > 0 || waiting.count > 0 { return 0 }
        guard let due = Self.earlier(wheel.nextDue(), restsUntil) else { return Self.longestSleepNanos }
        if due <= now { return 0 }
        if due - now >= Self.longestSleepNanos { return Self.longestSleepNanos }
        let present = clock()
        return due > present ? due - present : 0
    }

    private static func earlier(_ due: UInt64?, _ rest: UInt64) -> UInt64? {
        rest == 0 ? due : min(due ?? .max, rest)
    }

    private func handle(_ event: UnsafeMutablePointer<epoll_event>) {
        let token = clinux_epoll_token(event)
        if token == Self.wakeTag {
            var drained: UInt64 = 0
            read(wakeup, &drained, 8)
            return
        }
        if token & Self.listenerTag != 0 {
            accept(on: Int(token & ~Self.listenerTag))
            return
        }
        let descriptor = Int(token & 0xFFFF_FFFF)
        guard descriptor < byDescriptorCount, let channel = byDescriptor[descriptor],
            channel.pointee.token == token
        else { return }
        let ready = event.pointee.events
        if ready & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 { return close(channel) }
        if ready & EPOLLIN.rawValue != 0 { readable(channel) }
        // `readable` may have closed it.
        if ready & EPOLLOUT.rawValue != 0, channel.pointee.token == token { markDirty(channel) }
    }

    private func fireTimers() {
        while let node = wheel.next(dueAt: now) {
            expire(node.pointee.owner.assumingMemoryBound(to: Channel.self))
        }
    }

    /// A channel's timer has fired: perhaps only because its deadline has moved since it was armed.
    private func expire(_ channel: UnsafeMutablePointer<Channel>) {
        if channel.pointee.state != .open {
            metrics?.count(channel.pointee.state == .lingering ? .linger : .announcement)
            return close(channel)
        }
        if sendDue(channel) <= now {
            metrics?.count(.sendRate)
            return close(channel)
        }
        guard let connection = channel.pointee.connection else { return }
        let deadline = handler.deadline(handler.context, connection)
        if deadline <= now {
            handler.expired(handler.context, connection)
            markDirty(channel)
        }
        arm(channel)
    }

    /// Makes sure that the timer fires no later than the connection's deadline.
    func arm(_ channel: UnsafeMutablePointer<Channel>) {
        guard channel.pointee.state == .open, let connection = channel.pointee.connection else { return }
        let deadline = min(handler.deadline(handler.context, connection), sendDue(channel))
        let timer = channel.pointee.timer
        if timer.pointee.isArmed, timer.pointee.due <= deadline { return }
        wheel.arm(timer, at: max(deadline, now + TimerWheel.tickNanos))
    }

    /// False: leave the loop.
    private func obeyOrders() -> Bool {
        let orders = orders.load(ordering: .acquiring)
        if orders == 0 { return true }
        if orders & Self.orderStop != 0 { return false }
        if !isDraining { beginDrain() }
        return open != nil
    }

    private func beginDrain() {
        isDraining = true
        stopListening(accepting: orders.load(ordering: .acquiring) & Self.orderLeave == 0)
        var channel = open
        while let current = channel {
            channel = current.pointee.next
            if current.pointee.state == .announcing { wheel.arm(current.pointee.timer, at: now + limits.lingerNanos) }
            guard current.pointee.state == .open, let connection = current.pointee.connection else { continue }
            handler.drain(handler.context, connection)
            markDirty(current)
        }
        flushDirty()
    }

    /// `accepting`: what waits in a backlog was promised a connection, so it is accepted, and the listener closed with
    /// nothing in between.
    private func stopListening(accepting: Bool = false) {
        guard isListening else { return }
        for (index, listener) in listeners.enumerated() {
            epoll_ctl(epoll, EPOLL_CTL_DEL, listener.descriptor, nil)
            if accepting { accept(on: index, atMost: .max) }
            Glibc.close(listener.descriptor)
        }
        isListening = false
    }

    private func closeAll() {
        stopListening()
        while let channel = open {
            if channel.pointee.state == .open { resetCount.add(1, ordering: .relaxed) }
            close(channel)
        }
    }
}
