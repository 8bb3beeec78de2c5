// A process that ends waits for what is being loaded, for a while: a model is read with what exit() takes down.

import Glibc
import Synchronization
import Testing

@testable import Gateway

@Suite struct LoaderThreadTests {
    @Test func stoppingWaitsForTheJobUnderWayAndBeginsNoOther() {
        let thread = LoaderThread()
        let (begun, ended, other) = (Flag(), Flag(), Flag())
        thread.submit {
            begun.set()
            usleep(50_000)
            ended.set()
        }
        thread.submit { other.set() }
        while !begun.isSet { usleep(100) }
        #expect(thread.stop(within: 60_000_000_000))
        #expect(ended.isSet && !other.isSet)
        thread.submit { other.set() }
        usleep(10_000)
        #expect(!other.isSet)
    }

    @Test func aLongJobIsNotWaitedFor() {
        let thread = LoaderThread()
        let (begun, release) = (Flag(), Flag())
        thread.submit {
            begun.set()
            while !release.isSet { usleep(100) }
        }
        while !begun.isSet { usleep(100) }
        #expect(!thread.stop(within: 1_000_000))
        release.set()
        #expect(thread.stop(within: 60_000_000_000))
    }
}

private final class Flag: Sendable {
    private let value = Atomic<Bool>(false)

    var isSet: Bool { value.load(ordering: .acquiring) }

    func set() { value.store(true, ordering: .releasing) }
}
