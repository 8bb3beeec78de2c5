import Glibc
import Synchronization
import Testing

@testable import Telemetry

@Suite struct ByteRingTests {
    private func put(_ ring: ByteRing, _ value: UInt8, count: Int) -> Bool {
        guard let place = ring.reserve(count) else { return false }
        memset(place, Int32(value), count)
        ring.publish()
        return true
    }

    @Test func whatDoesNotFitIsRefused() {
        let ring = ByteRing(capacity: 4096)
        #expect(ring.first() == nil && ring.reserve(4096) == nil)
        for round in 0..<50 {
            var count = 0
            while put(ring, UInt8(count % 200), count: 100 + round) { count += 1 }
            #expect(count > 20)
            for value in 0..<count {
                #expect(ring.first()?.load(as: UInt8.self) == UInt8(value % 200))
                #expect(ring.first()?.load(fromByteOffset: 99 + round, as: UInt8.self) == UInt8(value % 200))
                ring.release()
            }
            #expect(ring.first() == nil)
        }
    }

    private final class Writer: Sendable {
        let ring = ByteRing(capacity: 4096)
        let isDone = Atomic<Bool>(false)
        let count = 100_000

        func run() {
            for index in 0..<count {
                let size = 8 + index % 97
                while true {
                    guard let place = ring.reserve(size) else {
                        sched_yield()
                        continue
                    }
                    memset(place, Int32(index % 251), size)
                    place.storeBytes(of: index, as: Int.self)
                    ring.publish()
                    break
                }
            }
            isDone.store(true, ordering: .releasing)
        }
    }

    /// Two threads: every record arrives once, whole and in order.
    @Test func anotherThreadSeesEveryRecordOnce() {
        let writer = Writer()
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { context in
                Unmanaged<Writer>.fromOpaque(context.unsafelyUnwrapped).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(writer).toOpaque())
        var (next, torn) = (0, 0)
        while next < writer.count {
            guard let record = writer.ring.first() else {
                if writer.isDone.load(ordering: .acquiring), writer.ring.first() == nil { break }
                sched_yield()
                continue
            }
            let (index, size) = (record.load(as: Int.self), 8 + next % 97)
            if index != next { torn += 1 }
            for offset in 8..<size where record.load(fromByteOffset: offset, as: UInt8.self) != UInt8(index % 251) {
                torn += 1
            }
            writer.ring.release()
            next += 1
        }
        pthread_join(thread, nil)
        #expect(next == writer.count && torn == 0)
    }
}
