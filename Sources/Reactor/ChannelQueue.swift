// Channels that wait for their turn, first come first served; a list through the channels themselves.

struct ChannelQueue: ~Copyable {
    typealias Element = UnsafeMutablePointer<Channel>

    private(set) var first: Element?
    private var last: Element?
    private(set) var count = 0

    /// Adds the channel behind the others, unless it waits already.
    mutating func append(_ channel: Element) {
        if channel.pointee.isWaiting { return }
        channel.pointee.isWaiting = true
        channel.pointee.nextWaiting = nil
        channel.pointee.previousWaiting = last
        if let last { last.pointee.nextWaiting = channel } else { first = channel }
        last = channel
        count += 1
    }

    /// Takes the channel out, wherever it stands.
    mutating func remove(_ channel: Element) {
        guard channel.pointee.isWaiting else { return }
        channel.pointee.isWaiting = false
        let (next, previous) = (channel.pointee.nextWaiting, channel.pointee.previousWaiting)
        if let previous { previous.pointee.nextWaiting = next } else { first = next }
        if let next { next.pointee.previousWaiting = previous } else { last = previous }
        count -= 1
    }
}
