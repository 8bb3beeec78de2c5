// `serin model verify`: checksums, manifest against model, golden rows.

internal import ArgumentParser
internal import Configuration
internal import Registry

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Checks checksums, manifest and golden rows of bundles.",
        discussion: "Exit code 1 when any bundle fails.")

    @Argument(help: "NAME, NAME/VERSION or a bundle's folder; nothing: all of the repository.")
    var bundles: [String] = []

    @OptionGroup var options: BundleArguments

    func run() throws {
        let places = bundles.isEmpty ? try BundlePlace.all(in: options.repository) : try bundles.flatMap(find)
        var results: [JSONText] = []
        var failures = 0
        for place in places {
            do throws(ConfigurationError) {
                results.append(report(place, try place.load(repository: options.repository)))
            } catch {
                failures += 1
                results.append(
                    .object([
                        ("bundle", .text(place.label)), ("ok", .boolean(false)), ("error", .text(error.description)),
                    ]))
                if !options.json { print("FAILED  \(place.label)  \(error)") }
            }
        }
        if options.json { print(JSONText.array(results).encoded) }
        if failures > 0 {
            throw CommandFailure(
                code: .checkFailed, message: "\(failures) of \(places.count) bundle(s) failed; import them anew")
        }
    }

    private func find(_ text: String) throws(CommandFailure) -> [BundlePlace] {
        try BundlePlace.find(text, repository: options.repository)
    }

    private func report(_ place: BundlePlace, _ bundle: LoadedBundle) -> JSONText {
        if !options.json {
            let golden = bundle.goldenCount == 0 ? "no golden rows" : "\(bundle.goldenCount) golden rows agree"
            print("ok      \(place.label)  checksums, manifest, \(golden)")
            for warning in bundle.warnings { Terminal.printWarning("\(place.label): \(warning)") }
        }
        return .object([
            ("bundle", .text(place.label)), ("ok", .boolean(true)), ("golden", .number(bundle.goldenCount)),
            ("model_sha256", .text(bundle.sourceDigest.description)),
            ("warnings", .array(bundle.warnings.map { .text($0) })),
        ])
    }
}
