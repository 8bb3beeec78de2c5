// The rows that requests carry, and what each version should answer to them.
//
//     models/fraud/1, /2   golden rows of every version, each once ─┐
//     rows.csv             a line of feature names, then rows       ├─► rows ──► scores by version, from the bundle's
//                                                                   │            own model, which its golden rows proved
// A row of version 1's golden file is also sent to version 2, when the route says so.  Its score there is in no file, so
// the bundle's model gives it: a model that has just answered all golden rows with the trainer's own bits.  A row that
// some version refuses is left out.

internal import Configuration
internal import Inference
internal import Registry

struct RowSource {
    let input: ModelInput
    let rows: [GoldenRow]
    /// By version: its scores of each row.
    let scores: [String: [[Double]]]
    let bundles: [String: LoadedBundle]

    /// All versions of a model in a repository.
    init(_ entry: TrafficClass, repository: String) throws(ConfigurationError) {
        let contents = try ModelRepository(path: repository).contents()
        guard let model = contents.models.first(where: { $0.name == entry.model }) else {
            throw ConfigurationError(
                source: repository,
                message: "holds no model \(quoted(entry.model)), whose rows class \(entry.name) sends")
        }
        var (bundles, golden): ([String: LoadedBundle], [GoldenRow]) = ([:], [])
        for version in model.versions {
            let identity = BundleIdentity(name: model.name, version: version)
            let bundle = try ModelRepository(path: repository).load(identity)
            bundles[version] = bundle
            guard bundle.goldenCount > 0 else { continue }
            let path = ModelRepository(path: repository).directory(of: identity) + "/" + GoldenRow.fileName
            golden += try GoldenRow.parse(FileBytes.read(path, limit: 64 << 20), source: path)
        }
        guard let input = bundles[entry.version ?? model.versions.last ?? ""]?.input else {
            throw ConfigurationError(
                source: repository, message: "holds no version \(entry.version ?? "") of \(entry.model)")
        }
        if case .csv(let path) = entry.rows { golden = try CSVRows.read(path, features: input.features) }
        guard !golden.isEmpty else {
            throw ConfigurationError(
                source: repository, message: "\(entry.model) has no golden rows; give rows: {csv: FILE}")
        }
        self.input = input
        self.bundles = bundles
        (rows, scores) = Self.scored(golden, bundles, entry.api)
        guard !rows.isEmpty else {
            throw ConfigurationError(
                source: repository, message: "no row is accepted by every version of \(entry.model)")
        }
    }

    /// The rows that every version accepts, with its scores.
    private static func scored(
        _ golden: [GoldenRow], _ bundles: [String: LoadedBundle], _ api: TrafficClass.API
    ) -> ([GoldenRow], [String: [[Double]]]) {
        var (rows, scores, seen): ([GoldenRow], [String: [[Double]]], Set<String>) = ([], [:], [])
        for row in golden where seen.insert("\(row.cells)\(row.inputType)").inserted {
            var answers: [(String, [Double])] = []
            for (version, bundle) in bundles {
                guard let answer = bundle.scores(of: row, as: width(row, api)) else { break }
                answers.append((version, answer))
            }
            guard answers.count == bundles.count else { continue }
            rows.append(row)
            for (version, answer) in answers { scores[version, default: []].append(answer) }
        }
        return (rows, scores)
    }

    /// How wide a row's numbers are when they arrive: V1's JSON carries doubles.
    static func width(_ row: GoldenRow, _ api: TrafficClass.API) -> ValueType { api == .v1 ? .float64 : row.inputType }

    /// A cell's number: a category's code, NaN for missing.
    func number(_ cell: GoldenRow.Cell, column: Int) -> Double {
        switch cell {
        case .number(let value): value
        case .missing: .nan
        case .category(let name): input.features[column].categories.firstIndex(of: name).map(Double.init) ?? .nan
        }
    }
}
