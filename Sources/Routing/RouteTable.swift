// Which version serves a request: an immutable table from a model's name to its versions.
//
//     hash(name) ─► buckets ─► model { name, stable, versions: [number ─► index] }
//
// The gateway keeps its loaded versions in an array; the table speaks of them by index, so it knows
// nothing of what they are. Everything lies in plain memory behind pointers: a look-up counts no
// reference. Names are compared as the bytes of the request's path; nothing is decoded or copied.

import Glibc

/// Why this version was chosen; its text is the `serin-arm` header's.
public enum Arm: UInt8, Sendable {
    /// The model's stable version.
    case stable
    /// The request's path named the version.
    case pinned

    public var text: StaticString {
        switch self {
        case .stable: "stable"
        case .pinned: "pinned"
        }
    }
}

/// A model as the table is built from it.
public struct RoutedModel: Sendable {
    public var name: String
    /// Version numbers and the gateway's indices of the versions that are ready.
    public var versions: [(number: UInt64, index: Int)]
    /// The index of the version that serves by default; nil: none is ready.
    public var stable: Int?

    public init(name: String, versions: [(number: UInt64, index: Int)], stable: Int?) {
        self.name = name
        self.versions = versions
        self.stable = stable
    }
}

public enum RouteDecision: Equatable, Sendable {
    case version(index: Int, arm: Arm)
    case unknownModel
    case unknownVersion
    /// The model is known and no version of it is ready.
    case notReady
}

// SAFETY: written in init only, read by every reactor after it.
public final class RouteTable: @unchecked Sendable {
    private struct Version {
        var number: UInt64
        var index: Int
    }

    private struct Model {
        var name: UnsafeMutablePointer<UInt8>
        var nameCount: Int
        var versions: UnsafeMutablePointer<Version>
        var versionCount: Int
        /// -1: none.
        var stable: Int
    }

    private let models: UnsafeMutablePointer<Model>
    public let modelCount: Int
    /// Open addressing; -1: empty. At most half full.
    private let buckets: UnsafeMutablePointer<Int32>
    private let mask: Int

    public init(_ routed: [RoutedModel]) {
        modelCount = routed.count
        models = .allocate(capacity: max(routed.count, 1))
        var size = 4
        while size < routed.count * 2 { size <<= 1 }
        mask = size - 1
        buckets = .allocate(capacity: size)
        buckets.initialize(repeating: -1, count: size)
        for (index, model) in routed.enumerated() {
            (models + index).initialize(to: Self.flatten(model))
            insert(index)
        }
    }

    deinit {
        for index in 0..<modelCount {
            models[index].name.deallocate()
            models[index].versions.deallocate()
        }
        models.deallocate()
        buckets.deallocate()
    }

    private static func flatten(_ model: RoutedModel) -> Model {
        let bytes = Array(model.name.utf8)
        let name = UnsafeMutablePointer<UInt8>.allocate(capacity: max(bytes.count, 1))
        name.initialize(from: bytes, count: bytes.count)
        let versions = UnsafeMutablePointer<Version>.allocate(capacity: max(model.versions.count, 1))
        for (index, version) in model.versions.enumerated() {
            (versions + index).initialize(to: Version(number: version.number, index: version.index))
        }
        return Model(
            name: name, nameCount: bytes.count, versions: versions, versionCount: model.versions.count,
            stable: model.stable ?? -1)
    }

    private func insert(_ index: Int) {
        let name = UnsafeRawBufferPointer(start: models[index].name, count: models[index].nameCount)
        var bucket = Self.hash(name) & mask
        while buckets[bucket] >= 0 { bucket = (bucket + 1) & mask }
        buckets[bucket] = Int32(index)
    }

    /// FNV-1a, for names of some ten bytes.
    private static func hash(_ bytes: UnsafeRawBufferPointer) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        return Int(truncatingIfNeeded: hash ^ (hash >> 32)) & .max
    }

    private func model(named name: UnsafeRawBufferPointer) -> UnsafeMutablePointer<Model>? {
        var bucket = Self.hash(name) & mask
        while buckets[bucket] >= 0 {
            let model = models + Int(buckets[bucket])
            if model.pointee.nameCount == name.count,
                memcmp(model.pointee.name, name.baseAddress ?? UnsafeRawPointer(model), name.count) == 0
            {
                return model
            }
            bucket = (bucket + 1) & mask
        }
        return nil
    }

    /// The version for a model of this name; `version`: the number that the path asks for, empty: none.
    public func route(model name: UnsafeRawBufferPointer, version: UnsafeRawBufferPointer) -> RouteDecision {
        guard let model = model(named: name) else { return .unknownModel }
        if version.isEmpty {
            return model.pointee.stable < 0 ? .notReady : .version(index: model.pointee.stable, arm: .stable)
        }
        guard let number = Self.number(version) else { return .unknownVersion }
        for index in 0..<model.pointee.versionCount where model.pointee.versions[index].number == number {
            return .version(index: model.pointee.versions[index].index, arm: .pinned)
        }
        return .unknownVersion
    }

    /// A version number: digits without a leading zero, below 2^63.
    static func number(_ text: UnsafeRawBufferPointer) -> UInt64? {
        guard 1...19 ~= text.count, text[0] != 48 || text.count == 1 else { return nil }
        var value: UInt64 = 0
        for byte in text {
            guard 48...57 ~= byte else { return nil }
            value = value * 10 + UInt64(byte - 48)
        }
        return value < 1 << 63 ? value : nil
    }
}
