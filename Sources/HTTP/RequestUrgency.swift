// How a client wants to be treated when there is more to do than can be done.
//
//     serin-priority: high | normal | low        which class it waits in; normal where it does not say
//     serin-fallback: yes | no                   no: rather 504 than an answer of the ladder's

/// What two header fields say.
public struct RequestUrgency: Sendable, Equatable {
    public enum Class: UInt8, Sendable { case high, normal, low }

    public internal(set) var priority = Class.normal
    public internal(set) var takesFallback = true

    init() {}

    static func setPriority(_ stream: UnsafeMutablePointer<HTTPStream>, _ value: UnsafeRawBufferPointer) {
        if matches(value, "high") {
            stream.pointee.urgency.priority = .high
        } else if matches(value, "normal") {
            stream.pointee.urgency.priority = .normal
        } else if matches(value, "low") {
            stream.pointee.urgency.priority = .low
        } else {
            stream.pointee.fault = .priority
        }
    }

    static func setFallback(_ stream: UnsafeMutablePointer<HTTPStream>, _ value: UnsafeRawBufferPointer) {
        if matches(value, "no") {
            stream.pointee.urgency.takesFallback = false
        } else if !matches(value, "yes") {
            stream.pointee.fault = .fallback
        }
    }

    private static func matches(_ value: UnsafeRawBufferPointer, _ word: StaticString) -> Bool {
        guard let base = value.baseAddress, value.count == word.utf8CodeUnitCount else { return false }
        return ASCII.equals(base.assumingMemoryBound(to: UInt8.self), value.count, word)
    }
}
