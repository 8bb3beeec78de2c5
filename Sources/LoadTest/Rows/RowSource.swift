// The rows that requests carry, and what each version should answer to them.
//
//     models/fraud/1, /2   golden rows of every version, each once ─┐
//     rows.csv             a line of feature names, then rows       ├─► rows ──► scores by version, from the bundle's
//                                                                   │            own model, which its golden rows proved
// A row of version 1's golden file is also sent to version 2, when the route says so.  Its score there is in no file, so
// the bundle's model gives it: a model that has just answered all golden rows with the trainer's own bits.  A row that
// some version refuses is left out.  A class that pins a version reads that one alone.

internal import Configuration
internal import Inference
internal import Registry

struct RowSource {
    let input: ModelInput
    let rows: [GoldenRow]
    /// By version: its scores of each row.
    let scores: [String: [[Double]]]
    let bundles: [String: LoadedBundle]
    /// What is left out and why, a sentence each.
    let notes: [String]

    init(_ entry: TrafficClass, repository: String) throws(ConfigurationError) {
        var versions = try Self.versions(entry, ModelRepository(path: repository))
        guard let input = versions.input else {
            throw ConfigurationError(source: repository, message: "holds no version of \(entry.model)")
        }
        let scored: Scored
        if case .csv(let path) = entry.rows {
            scored = try Self.recorded(path, entry.api, input, &versions)
        } else {
            guard !versions.golden.isEmpty else {
                throw ConfigurationError(
                    source: repository, message: "\(entry.model) has no golden rows; give rows: {csv: FILE}")
            }
            scored = Scored(Self.distinct(versions.golden), versions.bundles, entry.api)
        }
        guard !scored.rows.isEmpty else {
            throw ConfigurationError(
                source: repository, message: "no row is accepted by every version of \(entry.model)")
        }
        self.input = input
        (rows, scores) = (scored.rows, scored.scores)
        (bundles, notes) = (versions.bundles, versions.notes)
    }

    // MARK: Versions

    /// The versions that requests may reach.
    private struct Versions {
        var bundles: [String: LoadedBundle] = [:]
        var golden: [GoldenRow] = []
        /// Of the newest.
        var input: ModelInput?
        var notes: [String] = []

        mutating func add(_ identity: BundleIdentity, _ repository: ModelRepository) throws(ConfigurationError) {
            let bundle = try repository.load(identity)
            if bundle.goldenCount > 0 {
                let path = repository.directory(of: identity) + "/" + GoldenRow.fileName
                golden += try GoldenRow.parse(FileBytes.read(path, limit: 64 << 20), source: path)
            }
            bundles[identity.version] = bundle
            input = bundle.input
        }
    }

    /// One that cannot be loaded is left out, as the gateway leaves it out, unless it is pinned or none is left.
    private static func versions(
        _ entry: TrafficClass, _ repository: ModelRepository
    ) throws(ConfigurationError) -> Versions {
        let models = try repository.contents().models
        guard let model = models.first(where: { $0.name == entry.model }) else {
            throw ConfigurationError(
                source: repository.path,
                message: "holds no model \(quoted(entry.model)), whose rows class \(entry.name) sends")
        }
        var wanted = model.versions
        if let pinned = entry.version {
            guard wanted.contains(pinned) else {
                throw ConfigurationError(
                    source: repository.path, message: "holds no version \(quoted(pinned)) of \(entry.model)")
            }
            wanted = [pinned]
        }
        var versions = Versions()
        for version in wanted {
            do throws(ConfigurationError) {
                try versions.add(BundleIdentity(name: model.name, version: version), repository)
            } catch {
                if version == wanted.last, versions.bundles.isEmpty { throw error }
                versions.notes.append("version \(version) of \(model.name) is left out: \(error)")
            }
        }
        return versions
    }

    // MARK: Rows

    /// Each row once: versions share golden rows.
    private static func distinct(_ golden: [GoldenRow]) -> [GoldenRow] {
        var seen: Set<String> = []
        return golden.filter { seen.insert("\($0.cells)\($0.inputType)").inserted }
    }

    /// A CSV's rows as often as it holds them, so that its frequencies are sent.
    private static func recorded(
        _ path: String, _ api: TrafficClass.API, _ input: ModelInput, _ versions: inout Versions
    ) throws(ConfigurationError) -> Scored {
        let lines = try CSVRows.read(path, features: input.features)
        let rows = lines.map { GoldenRow(cells: $0.cells, inputType: .float64, margins: [], scores: []) }
        let scored = Scored(rows, versions.bundles, api)
        guard let first = scored.firstRefused else { return scored }
        let count = rows.count - scored.rows.count
        guard count * 2 <= rows.count else {
            throw ConfigurationError(
                source: path, line: lines[first.row].line,
                message: "\(first.reason); \(count) of \(rows.count) rows are refused")
        }
        versions.notes.append(
            "\(count) of \(rows.count) rows of \(path) are not sent: line \(lines[first.row].line): \(first.reason)")
        return scored
    }

    /// The rows that every version accepts, with its scores.
    private struct Scored {
        var rows: [GoldenRow] = []
        var scores: [String: [[Double]]] = [:]
        /// The first row that is left out, and why.
        var firstRefused: (row: Int, reason: String)?

        init(_ candidates: [GoldenRow], _ bundles: [String: LoadedBundle], _ api: TrafficClass.API) {
            let bundles = bundles.sorted { $0.key < $1.key }
            for (index, row) in candidates.enumerated() {
                var answers: [(String, [Double])] = []
                for (version, bundle) in bundles {
                    guard let answer = bundle.scores(of: row, as: RowSource.width(row, api)) else {
                        if firstRefused == nil {
                            firstRefused = (index, "version \(version) refuses it" + RowSource.cause(row, bundle))
                        }
                        break
                    }
                    answers.append((version, answer))
                }
                guard answers.count == bundles.count else { continue }
                rows.append(row)
                for (version, answer) in answers { scores[version, default: []].append(answer) }
            }
        }
    }

    /// The commonest causes of a refusal; empty: another one.
    private static func cause(_ row: GoldenRow, _ bundle: LoadedBundle) -> String {
        for (cell, feature) in zip(row.cells, bundle.input.features) {
            switch cell {
            case .missing where feature.missing == .reject: return ", because \(feature.name) is missing"
            case .number(let number):
                guard feature.onRange == .reject, let range = feature.range, !range.contains(number) else { continue }
                return ", because \(feature.name) is out of range"
            default: continue
            }
        }
        return ""
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
