// Whether two versions can stand in one route: the same features, in the same order, meaning the same.

public import Inference

public enum SchemaComparison {
    /// What a client of `serving` would have to change for `candidate`, a sentence each; empty: nothing.
    ///
    /// Rules for odd values (ranges, missing) may differ: they are the version's own.
    public static func differences(_ serving: [FeatureSpec], _ candidate: [FeatureSpec]) -> [String] {
        let (old, new) = (serving.map(\.name), candidate.map(\.name))
        if old != new { return nameDifferences(old, new) }
        var differences: [String] = []
        for (before, after) in zip(serving, candidate) {
            if before.kind != after.kind {
                differences.append("\(before.name) is \(after.kind.rawValue), not \(before.kind.rawValue)")
            }
            // Codes are places in the list: it may grow at its end.
            if !after.categories.starts(with: before.categories) {
                differences.append("the categories of \(before.name) are others, or in another order")
            }
            if let one = before.unit, let other = after.unit, one != other {
                differences.append("\(before.name) is in \(other), not in \(one)")
            }
        }
        return differences
    }

    private static func nameDifferences(_ old: [String], _ new: [String]) -> [String] {
        let (gone, added) = (old.filter { !new.contains($0) }, new.filter { !old.contains($0) })
        var differences: [String] = []
        if !gone.isEmpty { differences.append("without the feature(s) \(gone.joined(separator: ", "))") }
        if !added.isEmpty { differences.append("with the new feature(s) \(added.joined(separator: ", "))") }
        return differences.isEmpty ? ["the features are in another order"] : differences
    }
}
