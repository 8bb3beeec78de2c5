// The `date` field's value, written once a second.

import Glibc

struct HTTPDate: ~Copyable {
    static let count = 29

    let text: UnsafeMutablePointer<CChar>
    /// Seconds since 1970; tests have their own.
    var wallClock: @convention(c) () -> time_t = { time(nil) }
    private var second: time_t = 0
    private var checkedAt: UInt64 = 0

    init() {
        text = .allocate(capacity: 32)
        refresh()
    }

    deinit { text.deallocate() }

    /// Makes the text right for now, looking at the wall clock at most every 100 ms of `nanos`.
    mutating func update(_ nanos: UInt64) {
        guard nanos &- checkedAt > 100_000_000 else { return }
        checkedAt = nanos
        refresh()
    }

    private mutating func refresh() {
        var wall = wallClock()
        guard wall != second else { return }
        second = wall
        var parts = tm()
        gmtime_r(&wall, &parts)
        strftime(text, 32, "%a, %d %b %Y %H:%M:%S GMT", &parts)
    }
}
