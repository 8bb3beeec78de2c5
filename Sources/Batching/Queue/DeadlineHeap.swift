// The jobs of one class in the order of their deadlines.
//
//     [ j0 | j1 j2 | j3 j4 j5 j6 | … ]      a binary heap; j0 is due first
//
// Equal deadlines (and jobs without one, which come last) keep the order in which they came. Its room is allocated when
// it is made. Source of the schedule: Liu and Layland, "Scheduling Algorithms for Multiprogramming in a Hard-Real-Time
// Environment" (JACM 1973), earliest deadline first.

/// One thread at a time uses it: the holder of the queue's token.
struct DeadlineHeap: ~Copyable {
    typealias Job = UnsafeMutablePointer<QueuedJob>

    private let jobs: UnsafeMutablePointer<Job>
    let capacity: Int
    private(set) var count = 0
    private var nextNumber: UInt64 = 0

    init(capacity: Int) {
        self.capacity = capacity
        jobs = .allocate(capacity: capacity)
    }

    deinit { jobs.deallocate() }

    var isFull: Bool { count == capacity }
    var first: Job? { count == 0 ? nil : jobs[0] }

    private static func precedes(_ one: Job, _ other: Job) -> Bool {
        let (due, otherDue) = (one.pointee.due, other.pointee.due)
        return due == otherDue ? one.pointee.number < other.pointee.number : due < otherDue
    }

    mutating func insert(_ job: Job) {
        precondition(!isFull, "a class's heap holds what its queue admits")
        job.pointee.number = nextNumber
        nextNumber &+= 1
        var place = count
        count += 1
        while place > 0 {
            let parent = (place - 1) / 2
            if !Self.precedes(job, jobs[parent]) { break }
            jobs[place] = jobs[parent]
            place = parent
        }
        jobs[place] = job
    }

    mutating func removeFirst() {
        count -= 1
        if count == 0 { return }
        let job = jobs[count]
        var place = 0
        while true {
            var child = 2 * place + 1
            if child >= count { break }
            if child + 1 < count, Self.precedes(jobs[child + 1], jobs[child]) { child += 1 }
            if !Self.precedes(jobs[child], job) { break }
            jobs[place] = jobs[child]
            place = child
        }
        jobs[place] = job
    }
}
