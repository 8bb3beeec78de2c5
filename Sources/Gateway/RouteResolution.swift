// From a route in words to the one that the data plane goes by: versions to slots, features to columns, names to numbers.
//
// The same code serves two callers. A change is refused while anything is wrong with it (`problems`). At a start the
// state may name a bundle that is gone: what cannot be routed is left out, its traffic stays with stable, and the
// problems say so; nothing is guessed in its place.

import Configuration
import Inference
import Primitives
import Registry
import Routing

struct RouteResolution {
    private(set) var routed: RoutedModel
    /// The arms of each slot, with their names.
    private(set) var arms: [Int: [(arm: Arm, name: String)]] = [:]
    /// What could not be resolved, a sentence each.
    private(set) var problems: [String] = []
    private let slots: [String: Int]
    private let features: [FeatureSpec]
    private let names: FieldNames

    init(_ model: Snapshot.ListedModel, _ versions: ServedVersions, _ names: FieldNames) {
        self.names = names
        slots = Dictionary(uniqueKeysWithValues: model.versions.map { (versions[$0].version, $0) })
        features = model.stable.map { versions[$0].bundle.input.features } ?? []
        routed = RoutedModel(
            name: model.name, versions: model.versions.map { (UInt64(versions[$0].version) ?? 0, $0) },
            stable: model.stable)
        if let stable = model.route.stable, slots[stable] == nil {
            problems.append("stable: version \(stable) is not ready")
        }
        resolve(model.route)
        compareSchemas(model, versions)
    }

    private mutating func resolve(_ route: RouteConfiguration) {
        if let canary = route.canary, let slot = slot(canary.version, "canary") {
            routed.canary = RoutedShare(index: slot, parts: canary.share.millionths)
            arms[slot, default: []].append((.canary, "canary"))
        }
        for arm in route.arms {
            guard let slot = slot(arm.version, "arm \(arm.name)") else { continue }
            arms[slot, default: []].append((.named(routed.arms.count), arm.name))
            routed.arms.append(RoutedShare(index: slot, parts: arm.share.millionths, name: arm.name))
        }
        for shadow in route.shadow {
            guard let slot = slot(shadow.version, "shadow") else { continue }
            routed.shadows.append(RoutedShare(index: slot, parts: shadow.share.millionths, name: "shadow"))
        }
        for (label, version) in route.labels.sorted(by: { $0.key < $1.key }) {
            if let slot = slot(version, "label \(label)") { routed.labels.append((label, slot)) }
        }
        for segment in route.segments { resolve(segment) }
        if let sticky = route.sticky, let key = key(sticky.key, "sticky") {
            routed.sticky = RoutedStickiness(key: key, hash: SipHash(salt: sticky.salt ?? routed.name))
        }
        if route.override {
            routed.overrideField = number(RouteConfiguration.overrideHeader, "override")
            for slot in slots.values { arms[slot, default: []].append((.override, "override")) }
        }
    }

    private mutating func resolve(_ segment: RouteConfiguration.Segment) {
        let place = "segment \(segment.name)"
        guard let slot = slot(segment.version, place), let key = key(segment.key, place) else { return }
        var resolved = RoutedSegment(key: key, index: slot)
        switch key {
        case .field: resolved.texts = segment.values
        case .column(let column):
            for value in segment.values {
                if let number = Self.number(value, features[column]) {
                    resolved.numbers.append(number)
                } else {
                    problems.append("\(place): \(quoted(value)) is no value of \(features[column].name)")
                }
            }
        }
        arms[slot, default: []].append((.segment, "segment"))
        routed.segments.append(resolved)
    }

    private mutating func slot(_ version: String, _ use: String) -> Int? {
        if let slot = slots[version] { return slot }
        problems.append("\(use): version \(version) is not ready")
        return nil
    }

    private mutating func key(_ key: RouteConfiguration.Key, _ place: String) -> RoutedKey? {
        switch key {
        case .header(let name): return number(name, place).map { .field($0) }
        case .feature(let name):
            if let column = features.firstIndex(where: { $0.name == name }) { return .column(column) }
            problems.append("\(place): the model has no feature \(quoted(name))")
            return nil
        }
    }

    private mutating func number(_ header: String, _ place: String) -> Int? {
        if let number = names.number(of: header) { return number }
        problems.append(
            "\(place): routes have asked for \(FieldNames.limit) header fields since the start, and there is no room for "
                + "another")
        return nil
    }

    /// A value of a feature as it stands in a row.
    private static func number(_ text: String, _ feature: FeatureSpec) -> Float? {
        switch feature.kind {
        case .category:
            feature.categories.firstIndex(of: text).map { Float($0) }
                ?? (feature.categories.isEmpty ? Float(text) : nil)
        case .boolean: text == "true" ? 1 : text == "false" ? 0 : nil
        case .number, .integer: Float(text)
        }
    }

    /// All versions of a route share one ordered feature list.
    private mutating func compareSchemas(_ model: Snapshot.ListedModel, _ versions: ServedVersions) {
        guard let stable = model.stable else { return }
        for version in model.route.versions {
            guard let slot = slots[version], slot != stable else { continue }
            for difference in SchemaComparison.differences(features, versions[slot].bundle.input.features) {
                problems.append(
                    "version \(version) does not take what version \(versions[stable].version) takes: \(difference)")
            }
        }
    }
}

extension SipHash {
    /// Keyed by the SHA-256 of a salt: its first and second eight bytes, little-endian.
    init(salt: String) {
        let bytes = SHA256Digest(of: Array(salt.utf8)).bytes
        func word(_ start: Int) -> UInt64 {
            bytes[start..<start + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        self.init(word(0), word(8))
    }
}
