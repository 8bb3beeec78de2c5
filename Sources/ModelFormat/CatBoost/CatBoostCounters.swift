// CatBoost's counters (CTR): statistics of a category, or of a combination of features, learned from
// the targets and looked up by hash.
//
//     codes ─► CatBoost's hash of each category ─┐
//     numbers ─► passed a border or not ─────────┴─► combined 64-bit hash ─► table ─► (count + prior) / … ─► y

public struct CatBoostCounters: Sendable, Equatable {
    public init() {}

    /// Throws unless the counters are in range and make `output` of `columns` input columns.
    func check(columns: Int, output: Pipeline.Value, place: String) throws(ModelFormatError) {
        throw ModelFormatError(place, "has no counters")
    }

    /// One row's counters; the counters have been checked.
    func values(of columns: [Double]) -> [Double] { [] }
}
