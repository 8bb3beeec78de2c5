// profile.json: its shape, and that its counts are of the rows it names.

import Configuration
import Testing

@testable import Registry

@Suite struct ProfileTests {
    @Test func isRead() throws {
        let profile = try Profile.parse(Array(TinyBundle.profile.utf8), source: "p")
        #expect(profile.rows == 10 && profile.features.map(\.name) == ["amount", "country", "age"])
        #expect(
            profile.features[0].distribution
                == .number(.init(edges: [0, 50.5, 100], counts: [3, 4]), underflow: 1, overflow: 1))
        #expect(profile.scores.count == 1 && profile.scores[0].histogram.counts == [7, 3])
    }

    @Test(arguments: [
        ("\"schema\":1", "\"schema\":2", "p: schema: expected 1"),
        ("\"rows\":10", "\"rows\":-1", "p: rows: expected a whole number from 0"),
        ("\"rows\":10", "\"rows\":11", "p: features[0]: counts must add up to the 11 rows"),
        ("\"rows\":10", "\"row\":10", "p: unknown key \"row\"; did you mean rows?"),
        ("\"model_sha256\":\"", "\"model_sha256\":\"0", "p: model_sha256: expected 64 hexadecimal digits"),
        ("\"kind\":\"number\"", "\"kind\":\"text\"", "p: features[0].kind: expected number or category"),
        ("[0,50.5,100]", "[0,100]", "p: features[0].counts: expected one count between each two edges, at most 10"),
        ("[0,50.5,100]", "[0,50.5,50.5]", "p: features[0].edges: expected ascending numbers; equal edges are merged"),
        ("[0,50.5,100]", "[0,null,100]", "p: features[0].edges[1]: expected a finite number"),
        ("\"counts\":[3,4]", "\"counts\":[3,4.5]", "p: features[0].counts[1]: expected a whole number from 0"),
        ("\"underflow\":1,", "", "p: features[0]: needs the key underflow"),
        ("\"DE\":6", "\"FR\":6", "p: features[1].counts: a category stands twice"),
        ("\"other\":1", "\"other\":9223372036854775807", "p: features[1]: counts must add up to the 10 rows"),
        ("\"output\":\"score\"", "\"output\":1", "p: score.output: expected a string"),
        ("}}", "}", "p: is not JSON at byte"),
    ])
    func malformed(old: String, new: String, message: String) {
        let text = TinyBundle.profile.replacing(old, with: new, maxReplacements: 1)
        #expect(text != TinyBundle.profile)
        let error = #expect(throws: ConfigurationError.self) { try Profile.parse(Array(text.utf8), source: "p") }
        #expect(error?.description.hasPrefix(message) == true, "\(String(describing: error))")
    }
}
