// The decision: path, override, segment, canary and arms, stable; the first that matches wins.
//
//     path names a version or label ─► pinned
//     override field, where the route allows it ─► override
//     a segment's value ─► segment
//     point of the request: SipHash(salt, key), or a draw where it has no key
//          in a share ─► canary or arm        in none ─► stable
//
// A point is one of a million: hash × 10^6 ÷ 2^64, uneven by 10^6 ÷ 2^64. Measured: see Benchmarks/routing.

public import Primitives
import Synchronization

extension RouteTable {
    /// The version for a request that only looks: no draw, no key.
    public func route(model name: UnsafeRawBufferPointer, version: UnsafeRawBufferPointer) -> RouteDecision {
        let place = find(name)
        if place < 0 { return .unknownModel }
        let model = models + place
        if version.isEmpty {
            return model.pointee.stable < 0 ? .notReady : .version(index: model.pointee.stable, arm: .stable)
        }
        let index = index(of: version, in: model)
        return index < 0 ? .unknownVersion : .version(index: index, arm: .pinned)
    }

    /// The version for a request. `version`, `label`: what its path names; empty: nothing.
    public func choose(
        model name: UnsafeRawBufferPointer, version: UnsafeRawBufferPointer, label: UnsafeRawBufferPointer,
        fields: borrowing FieldValues, random: inout SplitMix64
    ) -> RouteChoice {
        let place = find(name)
        if place < 0 { return .unknownModel }
        let model = models + place
        if !version.isEmpty {
            let index = index(of: version, in: model)
            return index < 0 ? .unknownVersion : .version(Routed(index: index, arm: .pinned, model: place))
        }
        if !label.isEmpty { return labelled(label, place) }
        if model.pointee.isPlain { return stable(place) }
        if model.pointee.overrideField >= 0, let text = fields.value(model.pointee.overrideField) {
            let index = index(of: text, in: model)
            return index < 0 ? .unknownVersion : .version(Routed(index: index, arm: .override, model: place))
        }
        if model.pointee.needsRow {
            return model.pointee.stable < 0 ? .notReady : .afterParsing(model: place, index: model.pointee.stable)
        }
        return decide(place, row: nil, isDouble: false, fields, &random)
    }

    /// The version for a request whose rows are parsed. `row`: its first, of floats or doubles.
    public func choose(
        model place: Int, row: UnsafeRawPointer, isDouble: Bool, fields: borrowing FieldValues,
        random: inout SplitMix64
    ) -> RouteChoice {
        decide(place, row: row, isDouble: isDouble, fields, &random)
    }

    private func labelled(_ label: UnsafeRawBufferPointer, _ place: Int) -> RouteChoice {
        for known in models[place].labels where Self.isSame(known.name, label) {
            return .version(Routed(index: known.index, arm: .pinned, model: place))
        }
        return .unknownLabel
    }

    @inline(__always)
    private func stable(_ place: Int) -> RouteChoice {
        let index = models[place].stable
        return index < 0 ? .notReady : .version(Routed(index: index, arm: .stable, model: place))
    }

    private func decide(
        _ place: Int, row: UnsafeRawPointer?, isDouble: Bool, _ fields: borrowing FieldValues,
        _ random: inout SplitMix64
    ) -> RouteChoice {
        let model = models + place
        for index in 0..<model.pointee.segments.count
        where Self.matches(model.pointee.segments[index], row, isDouble, fields) {
            return .version(Routed(index: model.pointee.segments[index].index, arm: .segment, model: place))
        }
        if model.pointee.shares.count == 0 { return stable(place) }
        var key: UInt64 = 0
        let isSticky = hash(model, row, isDouble, fields, &key)
        let point = Self.point(isSticky ? key : random.next())
        for share in model.pointee.shares where point >= share.low && point < share.high {
            return .version(
                Routed(index: Int(share.index), arm: share.arm, model: place, key: key, isSticky: isSticky))
        }
        if model.pointee.stable < 0 { return .notReady }
        return .version(
            Routed(index: model.pointee.stable, arm: .stable, model: place, key: key, isSticky: isSticky))
    }

    /// A word's place among a million.
    @inline(__always)
    static func point(_ word: UInt64) -> UInt32 {
        UInt32(truncatingIfNeeded: word.multipliedFullWidth(by: UInt64(parts)).high)
    }

    private static func matches(
        _ segment: Segment, _ row: UnsafeRawPointer?, _ isDouble: Bool, _ fields: borrowing FieldValues
    ) -> Bool {
        switch segment.key {
        case .field(let number):
            guard let value = fields.value(number) else { return false }
            for text in segment.texts where isSame(text, value) { return true }
            return false
        case .column(let column):
            guard let row else { return false }
            let value = value(row, column, isDouble)
            for number in segment.numbers where number == value { return true }
            return false
        }
    }

    /// False: the request has no key.
    private func hash(
        _ model: UnsafeMutablePointer<Model>, _ row: UnsafeRawPointer?, _ isDouble: Bool,
        _ fields: borrowing FieldValues, _ key: inout UInt64
    ) -> Bool {
        guard let sticky = model.pointee.sticky else { return false }
        switch sticky.key {
        case .field(let number):
            guard let value = fields.value(number), value.count > 0 else { return false }
            key = sticky.hash.hash(value)
        case .column(let column):
            guard let row else { return false }
            // Rounded, so that a value is the same key whichever protocol it came in; 0 and -0 are one.
            let value = Self.value(row, column, isDouble) + 0
            if value.isNaN { return false }
            var bits = value.bitPattern.littleEndian
            key = withUnsafeBytes(of: &bits) { sticky.hash.hash($0) }
        }
        return true
    }

    @inline(__always)
    private static func value(_ row: UnsafeRawPointer, _ column: Int, _ isDouble: Bool) -> Float {
        // SAFETY: the caller's row has the model's columns.
        if isDouble { return Float(row.loadUnaligned(fromByteOffset: column &* 8, as: Double.self)) }
        return row.loadUnaligned(fromByteOffset: column &* 4, as: Float.self)
    }

    // MARK: Shadows

    /// Whether the model has any.
    @inline(__always)
    public func hasShadows(_ place: Int) -> Bool { models[place].shadows.count > 0 }

    /// Draws which of the model's shadows get a copy of a request; hands over their versions' indices.
    public func shadows(_ place: Int, random: inout SplitMix64, _ body: (Int) -> Void) {
        for share in models[place].shadows where Self.point(random.next()) < share.high { body(Int(share.index)) }
    }
}
