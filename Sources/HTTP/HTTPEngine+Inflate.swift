// Packed bodies wait in a queue of the engine and are inflated at the round's end, before anything is run.
//
//     complete(stream) ─► inflating, in the queue ─► inflateRound ─► ready ─► handler.request(stream)
//
// A round inflates at most `limits.inflatedPerRound`, over all connections, in the order the requests came; what is left
// waits for the next round, which then begins at once. The inflated body takes the packed one's place, so
// nobody behind this sees that it was packed.

import Primitives

/// What was inflated since somebody asked.
public struct InflationCounts: Sendable {
    public var inflated = 0
    public var tooLarge = 0
    public var malformed = 0
    public var bytesIn = 0
    public var bytesOut = 0

    /// Something was counted.
    public var isNews: Bool { inflated + tooLarge + malformed > 0 }
}

/// The streams whose bodies wait to be inflated, oldest first; the first may be half done.
struct InflateQueue: ~Copyable {
    typealias Stream = UnsafeMutablePointer<HTTPStream>

    var inflater = Inflater()
    var first: Stream?
    private var last: Stream?
    /// The inflater is at work on the first one.
    var hasBegun = false
    var counts = InflationCounts()

    init() {}

    mutating func append(_ stream: Stream) {
        stream.pointee.nextInflating = nil
        stream.pointee.previousInflating = last
        if let last { last.pointee.nextInflating = stream } else { first = stream }
        last = stream
    }

    mutating func remove(_ stream: Stream) {
        let (next, previous) = (stream.pointee.nextInflating, stream.pointee.previousInflating)
        if let previous { previous.pointee.nextInflating = next } else { (first, hasBegun) = (next, false) }
        if let next { next.pointee.previousInflating = previous } else { last = previous }
    }
}

extension HTTPEngine {
    func queueInflation(_ stream: Stream) {
        stream.pointee.phase = .inflating
        watchBody(stream)
        inflation.append(stream)
    }

    /// What was inflated since the last call.
    public func takeInflationCounts() -> InflationCounts {
        defer { inflation.counts = InflationCounts() }
        return inflation.counts
    }

    /// Inflates what waits, as far as a round goes; true: there is more to do.
    public func inflateRound() -> Bool {
        var budget = limits.inflatedPerRound
        while let stream = inflation.first {
            if budget <= 0 { return true }
            if !inflation.hasBegun {
                guard inflation.inflater.begin(stream.pointee.body.bytes, stream.pointee.coding) else {
                    respond(stream, fault: HTTPFault(503, "no memory to inflate the body with", isOfALimit: true))
                    continue
                }
                inflation.hasBegun = true
            }
            switch inflation.inflater.advance(&budget, limits) {
            case .more: return true
            case .done: finishInflation(stream)
            case .fault(let fault):
                if fault.status == 413 { inflation.counts.tooLarge += 1 } else { inflation.counts.malformed += 1 }
                respond(stream, fault: fault)
            }
        }
        return false
    }

    private func finishInflation(_ stream: Stream) {
        inflation.counts.inflated += 1
        inflation.counts.bytesIn += stream.pointee.body.count
        inflation.counts.bytesOut += inflation.inflater.output.count
        settle(stream, .ready)
        swap(&stream.pointee.body, &inflation.inflater.output)
        handler.request(handler.context, stream)
    }
}
