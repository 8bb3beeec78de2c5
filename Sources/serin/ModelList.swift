// `serin model list`: what the repository holds, without opening bundles.

internal import ArgumentParser
internal import Configuration
internal import Registry

struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the models and versions of a repository.")

    @OptionGroup var options: BundleArguments

    func run() throws {
        let contents = try CommandFailure.checking { () throws(ConfigurationError) in
            try ModelRepository(path: options.repository).contents()
        }
        contents.warnings.forEach(Terminal.printWarning)
        if options.json {
            let models = contents.models.map { entry in
                JSONText.object([
                    ("name", .text(entry.name)), ("versions", .array(entry.versions.map { .text($0) })),
                ])
            }
            print(JSONText.array(models).encoded)
        } else {
            Terminal.printTable(
                ["MODEL", "VERSIONS"], contents.models.map { [$0.name, $0.versions.joined(separator: " ")] })
        }
    }
}
