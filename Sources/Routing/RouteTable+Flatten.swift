// From a route as the control plane has it to plain memory.
//
//     point of a million   0 ──────── canary ────────┬───── stable ─────┬── arm 2 ──┬── arm 1 ── 999,999
//
// The canary grows from below and the arms stand at the top: a rising canary takes keys from stable only, a falling one
// gives them back to it, and no key ever moves between two arms.

import Primitives

/// The allocations of one table, freed with it.
// SAFETY: one thread builds a table, one frees it.
final class RouteMemory: @unchecked Sendable {
    private var owned: [UnsafeMutableRawPointer] = []

    deinit { for pointer in owned { pointer.deallocate() } }

    func list<Element>(_ elements: [Element]) -> UnsafeMutableBufferPointer<Element> {
        if elements.isEmpty { return .init(start: nil, count: 0) }
        let buffer = UnsafeMutableBufferPointer<Element>.allocate(capacity: elements.count)
        _ = buffer.initialize(from: elements)
        if let base = buffer.baseAddress { owned.append(UnsafeMutableRawPointer(base)) }
        return buffer
    }

    func text(_ text: String) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(list(Array(text.utf8))) }
}

extension RouteTable {
    static func flatten(_ model: RoutedModel, _ memory: RouteMemory) -> Model {
        precondition(model.arms.count <= Arm.namedMax)
        let byColumn = model.segments.contains { if case .column = $0.key { true } else { false } }
        var isStickyByColumn = false
        if case .column? = model.sticky?.key { isStickyByColumn = true }
        let shares = shares(model)
        return Model(
            name: memory.text(model.name),
            versions: memory.list(model.versions.map { Version(number: $0.number, index: $0.index) }),
            stable: model.stable ?? -1,
            isPlain: shares.isEmpty && model.segments.isEmpty && model.overrideField == nil,
            needsRow: byColumn || (isStickyByColumn && !shares.isEmpty), overrideField: model.overrideField ?? -1,
            sticky: model.sticky, shares: memory.list(shares),
            shadows: memory.list(
                model.shadows.filter { $0.parts > 0 }.map {
                    Share(low: 0, high: UInt32($0.parts), index: Int32($0.index), arm: .stable)
                }),
            segments: memory.list(model.segments.map { flatten($0, memory) }),
            labels: memory.list(model.labels.map { Label(name: memory.text($0.name), index: $0.index) }))
    }

    private static func flatten(_ segment: RoutedSegment, _ memory: RouteMemory) -> Segment {
        Segment(
            key: segment.key, texts: memory.list(segment.texts.map(memory.text)),
            numbers: memory.list(segment.numbers), index: segment.index)
    }

    /// Shares of nothing are left out: nobody can be drawn into them.
    private static func shares(_ model: RoutedModel) -> [Share] {
        var shares: [Share] = []
        if let canary = model.canary, canary.parts > 0 {
            shares.append(Share(low: 0, high: UInt32(canary.parts), index: Int32(canary.index), arm: .canary))
        }
        var top = parts
        for (place, arm) in model.arms.enumerated() where arm.parts > 0 {
            precondition(arm.parts <= top, "shares add up to a million at most")
            let low = UInt32(top - arm.parts)
            shares.append(Share(low: low, high: UInt32(top), index: Int32(arm.index), arm: .named(place)))
            top -= arm.parts
        }
        precondition((model.canary?.parts ?? 0) <= top, "shares add up to a million at most")
        return shares
    }
}
