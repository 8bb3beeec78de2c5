import Glibc
import Synchronization
import Testing

@testable import Telemetry

@Suite struct RecordRingTests {
    @Test func whatDoesNotFitIsRefused() {
        let ring = RecordRing(capacity: 4, recordBytes: 16)
        for round in 0..<5 {
            for value in 0..<4 {
                ring.next()?.storeBytes(of: round * 10 + value, as: Int.self)
                ring.publish()
            }
            #expect(ring.next() == nil)
            for value in 0..<4 {
                #expect(ring.first()?.load(as: Int.self) == round * 10 + value)
                ring.release()
            }
            #expect(ring.first() == nil)
        }
    }

    private final class Done: Sendable {
        let value = Atomic<Bool>(false)
    }

    /// Two threads: every record that was taken arrives once, whole and in order.
    @Test func anotherThreadSeesEveryRecordOnce() {
        let ring = RecordRing(capacity: 64, recordBytes: 32)
        let count = 200_000
        let done = Done()
        var thread = pthread_t()
        let body = Unmanaged.passRetained(Writer(ring: ring, count: count, done: done))
        pthread_create(
            &thread, nil,
            { context in
                Unmanaged<Writer>.fromOpaque(context.unsafelyUnwrapped).takeRetainedValue().run()
                return nil
            }, body.toOpaque())
        var seen = 0
        while true {
            let isLast = done.value.load(ordering: .acquiring)
            while let record = ring.first() {
                #expect(record.load(as: Int.self) == seen && record.load(fromByteOffset: 24, as: Int.self) == ~seen)
                seen += 1
                ring.release()
            }
            if isLast { break }
        }
        pthread_join(thread, nil)
        #expect(seen == count)
    }

    private final class Writer: Sendable {
        let ring: RecordRing
        let count: Int
        let done: Done

        init(ring: RecordRing, count: Int, done: Done) {
            self.ring = ring
            self.count = count
            self.done = done
        }

        func run() {
            for value in 0..<count {
                while true {
                    guard let place = ring.next() else {
                        sched_yield()
                        continue
                    }
                    place.storeBytes(of: value, as: Int.self)
                    place.storeBytes(of: ~value, toByteOffset: 24, as: Int.self)
                    ring.publish()
                    break
                }
            }
            done.value.store(true, ordering: .releasing)
        }
    }
}
