// Making a batch: who is in it, and who has waited for nothing.
//
//     the classes in order (one that was passed by too often first)
//       the class's jobs, the earliest due first:
//         nobody waits any more, or it cannot be in time   ─► given back unscored
//         its rows fit the batch                           ─► all of them
//         some do                                          ─► these; the rest stays first for the next batch
//         none: rows or cost are at their bound, or the batch would outlast a due of somebody in it ─► done
//
// A batch is never longer than the tightest due in it leaves: otherwise one urgent request would be late because
// others, who have time, ride along.

internal import Inference
internal import Synchronization

extension VersionQueue {
    /// Moves what has come into the heaps and takes a batch off them, at `now`; false: there is none to run. The caller
    /// has the token.
    func take(into batch: inout Batch, at now: UInt64) -> Bool {
        batch.clear()
        drain(now)
        if isLingering(at: now) { return false }
        fill(&batch, at: now)
        publishWaiting()
        return batch.count > 0
    }

    private func drain(_ now: UInt64) {
        let wasEmpty = waitingCount == 0
        for index in 0..<Priority.allCases.count {
            while !state.heaps[index].isFull, let item = lanes[index].ring.pop() {
                state.heaps[index].insert(item.assumingMemoryBound(to: QueuedJob.self))
            }
            if state.heaps[index].count == 0 {
                state.standing[index].becomeShort()
                publishStanding(index)
            }
        }
        if wasEmpty, limits.lingerNanos > 0 { readyAt.store(now + limits.lingerNanos, ordering: .relaxed) }
        publishWaiting()
    }

    private var waitingCount: Int {
        state.heaps[0].count + state.heaps[1].count + state.heaps[2].count
    }

    private func publishWaiting() {
        step()
        waiting.store(waitingCount, ordering: .releasing)
    }

    private func publishStanding(_ index: Int) {
        let isStanding = state.standing[index].isStanding
        if lanes[index].isStanding.load(ordering: .relaxed) != isStanding {
            lanes[index].isStanding.store(isStanding, ordering: .relaxed)
        }
    }

    /// Whether the batch waits for company: its linger is not over, it has room, and nobody in it runs out of time.
    private func isLingering(at now: UInt64) -> Bool {
        guard limits.lingerNanos > 0, waitingCount > 0 else { return false }
        var rows = 0
        var due = UInt64.max
        for index in 0..<Priority.allCases.count {
            rows += lanes[index].rows.load(ordering: .relaxed)
            due = min(due, state.heaps[index].first?.pointee.due ?? .max)
        }
        let most = rowsMax
        if rows >= most { return false }
        var ready = readyAt.load(ordering: .relaxed)
        // Twice its cost before the first is due: it should begin in time, not just in time.
        let slack = 2 * cost.nanos(most)
        if due != .max { ready = min(ready, due > slack ? due - slack : 0) }
        readyAt.store(ready, ordering: .relaxed)
        return ready > now
    }

    // MARK: Filling

    private func fill(_ batch: inout Batch, at now: UInt64) {
        let most = min(rowsMax, batch.capacity)
        let first = mostPassedBy()
        var isOpen = true
        if let first { isOpen = fill(&batch, from: first, most, now) }
        for index in 0..<Priority.allCases.count where isOpen && index != first {
            isOpen = fill(&batch, from: index, most, now)
        }
        // Whoever still waits and has nothing in the batch was passed by.
        for index in 0..<Priority.allCases.count {
            let isPassedBy = batch.count > 0 && state.heaps[index].count > 0 && !has(index, in: batch)
            state.passedBy[index] = isPassedBy ? state.passedBy[index] + 1 : 0
        }
    }

    private func has(_ index: Int, in batch: borrowing Batch) -> Bool {
        for place in 0..<batch.count where Int(batch.parts[place].job.pointee.priority.rawValue) == index {
            return true
        }
        return false
    }

    /// The class whose turn it is although others are above it.
    private func mostPassedBy() -> Int? {
        var most: Int?
        for index in 0..<Priority.allCases.count
        where state.heaps[index].count > 0 && state.passedBy[index] >= limits.starvationBatches {
            if state.passedBy[index] > state.passedBy[most ?? index] || most == nil { most = index }
        }
        return most
    }

    /// Adds what fits of one class; false: the batch takes no more.
    private func fill(_ batch: inout Batch, from index: Int, _ most: Int, _ now: UInt64) -> Bool {
        while let job = state.heaps[index].first {
            let rows = job.pointee.rowCount - job.pointee.taken
            if isDead(job, rows, now) {
                state.heaps[index].removeFirst()
                drop(job, rows, index, &batch, now)
                continue
            }
            var room = most - batch.rows
            let due = min(batch.due, job.pointee.due)
            if due != .max { room = min(room, cost.rows(in: due > now ? due - now : 0) - batch.rows) }
            if batch.count == 0 { room = max(room, 1) }
            if room <= 0 || batch.count == batch.capacity { return false }
            if job.pointee.taken == 0 {
                // Claimed as the last thing: until now its client may have gone.
                guard job.pointee.request.pointee.fate.claim() else { continue }
                begin(job, index, now)
            }
            let part = min(rows, room)
            batch.append(job, rows: part, scoring)
            lanes[index].rows.wrappingSubtract(part, ordering: .relaxed)
            if part < rows { return false }
            state.heaps[index].removeFirst()
            lanes[index].requests.wrappingSubtract(1, ordering: .relaxed)
        }
        return true
    }

    /// Whether nobody waits for the job any more, or it could not be in time.
    private func isDead(_ job: UnsafeMutablePointer<QueuedJob>, _ rows: Int, _ now: UInt64) -> Bool {
        let due = job.pointee.due
        let least = job.pointee.isProbe ? 0 : cost.nanos(min(rows, rowsMax))
        let isLate = due != .max && now + least > due
        if job.pointee.taken > 0 { return isLate }
        if isLate { job.pointee.request.pointee.fate.abandon(.expired) }
        return job.pointee.request.pointee.fate.abandoned != nil
    }

    private func drop(
        _ job: UnsafeMutablePointer<QueuedJob>, _ rows: Int, _ index: Int, _ batch: inout Batch, _ now: UInt64
    ) {
        lanes[index].rows.wrappingSubtract(rows, ordering: .relaxed)
        lanes[index].requests.wrappingSubtract(1, ordering: .relaxed)
        job.pointee.isDropped = true
        job.pointee.taken += rows
        batch.settle(job, rows: rows, now: now)
    }

    /// The first of its rows go into a batch: what it waited is known.
    private func begin(_ job: UnsafeMutablePointer<QueuedJob>, _ index: Int, _ now: UInt64) {
        job.pointee.startedAt = now
        let waited = now > job.pointee.enqueuedAt ? now - job.pointee.enqueuedAt : 0
        state.standing[index].waited(waited, now: now)
        publishStanding(index)
        // Short waits are noise: a wake-up, a timer tick. A stall is one too, of which all that wait speak: none counts as
        // more than twice what was expected.
        let guess = job.pointee.estimatedWait
        if guess < Self.guessMin { return }
        let old = stretch.load(ordering: .relaxed)
        let seen = Int(min(waited, 2 * guess) * 1024 / guess) * old / 1024
        stretch.store(min(max(old + (seen - old) / 16, 512), 16 * 1024), ordering: .relaxed)
    }

    /// Guesses below this are not held against what happened.
    private static let guessMin: UInt64 = 200_000
}
