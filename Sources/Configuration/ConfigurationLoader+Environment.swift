// Overrides from the environment: SERIN_ and the key path in capitals, dots as underscores.
//
// A name that starts with SERIN_ and is no field is an error, as an unknown key in the file is:
// a misspelt override that does nothing would be found in production.  Two families are let pass:
// what Kubernetes sets in every pod beside a service called `serin` or `serin-…`, and the names
// with which the tests and benchmarks of this project are set up.

internal import Glibc

extension ConfigurationLoader {
    /// Adds the overrides of an environment.
    static func collect(
        _ environment: [String: String], into raw: inout [String: RawScalar]
    ) throws(ConfigurationError) {
        let fields = Dictionary(uniqueKeysWithValues: ConfigurationField.all.map { ($0.variable, $0.keyPath) })
        for (name, text) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix("SERIN_") {
            if let keyPath = fields[name], !isServiceLink(name, text) {
                raw[keyPath] = RawScalar(text: text, origin: .named(name))
            } else if !isServiceLink(name, text) && !isForTests(name) {
                throw unknownVariable(name, known: fields.keys.sorted())
            }
        }
    }

    private static func unknownVariable(_ name: String, known: [String]) -> ConfigurationError {
        if name.hasPrefix("SERIN_MODELS_") {
            return ConfigurationError(source: name, message: "models are configured in the file only; unset it")
        }
        return ConfigurationError(
            source: name,
            message: "unknown variable\(suggestion(for: name, among: known)) (known: \(known.joined(separator: ", ")))")
    }

    /// `SERIN_SERVICE_HOST`, `SERIN_PORT=tcp://…`, `SERIN_PORT_8080_TCP_ADDR` and their like.
    private static func isServiceLink(_ name: String, _ text: String) -> Bool {
        if name.hasSuffix("_SERVICE_HOST") || name.contains("_SERVICE_PORT") { return true }
        if name.contains("_PORT") && (text.hasPrefix("tcp://") || text.hasPrefix("udp://")) { return true }
        return name.contains("_PORT_") && (name.contains("_TCP_") || name.contains("_UDP_"))
    }

    private static func isForTests(_ name: String) -> Bool {
        [
            "SERIN_ABUSE_SECONDS", "SERIN_BINARY", "SERIN_FUZZ_SECONDS", "SERIN_FUZZ_SEED", "SERIN_KERNELS",
            "SERIN_PARITY_FIXTURES",
        ].contains(name)
    }

    /// The variables this process was started with.
    public static func processEnvironment() -> [String: String] {
        var variables: [String: String] = [:]
        // The kernel's copy, which unlike `environ` no other thread can change meanwhile.
        for entry in processEntries() {
            let text = String(decoding: entry, as: UTF8.self)
            guard let equals = text.firstIndex(of: "=") else { continue }
            variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
        }
        return variables
    }

    private static func processEntries() -> [ArraySlice<UInt8>] {
        let descriptor = open("/proc/self/environ", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let got = read(descriptor, &chunk, chunk.count)
            if got < 0 && errno == EINTR { continue }
            if got <= 0 { break }
            bytes += chunk[..<got]
        }
        return bytes.split(separator: 0)
    }
}
