// A manifest that an import writes says, when it is read back, what the model said.

import Configuration
import Inference
import ModelFormat
import Testing

@testable import Registry

@Suite struct ManifestWriteTests {
    static let forest = Forest(
        featureCount: 1, valueWidth: .float32, comparison: .less, trees: [], accumulation: .float32, baseMargins: [0])

    func facts(_ names: [String], categories: [String], format: ModelFileFormat = .xgboostJSON) -> ModelFacts {
        ModelFacts(
            ImportedModel(
                format: format, model: .forest(Self.forest), featureNames: names,
                categoricalFeatures: names.indices.map { $0 == 0 }, categories: [categories],
                objective: "binary sigmoid:1", classCount: 2, trainerVersion: nil))
    }

    func roundTrip(_ facts: ModelFacts) throws -> (made: Manifest, read: Manifest) {
        let made = Manifest(name: "a.b-c_1", version: "12", facts: facts, golden: .present)
        return (made, try Manifest.parse(Array(made.text.utf8), source: "made"))
    }

    @Test(arguments: [
        "plain", "NO", "null", "~", "yes", "1", "1e3", "a: b", "a #b", "- a", "? a", "[a]", "{a}", "&a", "*a", "!a",
        "%a",
        "@a", "`a", "'", "\"", "\\", "\\n", "a, b", " lead", "trail ", "é", "日本", "\u{a0}", "\u{ad}", "\u{2028}",
        "\u{1f600}", "a\u{301}", "=", "<<", "|", ">",
    ])
    func anyNameSurvives(name: String) throws {
        for format in ModelFileFormat.allCases {
            let (made, read) = try roundTrip(
                facts([name, "other"], categories: ["x", name + "y", name], format: format))
            #expect(read == made)
            #expect(read.features[0].name == name && read.features[0].categories.last == name)
        }
    }

    /// A name that no request could carry is refused at the import, not at the next start.
    @Test(arguments: ["", "\u{feff}", "a\nb", "\u{0}", "\u{7f}", String(repeating: "a", count: 257)])
    func anImpossibleNameIsRefused(name: String) {
        let error = #expect(throws: ConfigurationError.self) { try roundTrip(facts([name], categories: [])) }
        #expect(error?.keyPath == "features[0].name")
    }

    @Test func categoriesAndFormatAreWritten() throws {
        let (_, read) = try roundTrip(facts(["a", "b"], categories: ["x"], format: .lightgbm))
        #expect(read.features.map(\.kind) == [.category, .number])
        #expect(read.modelFile == "model.txt" && read.modelFormat == .lightgbm && read.inputType == .float64)
        #expect(read.objective == "binary sigmoid:1" && read.golden == .present)
    }
}
