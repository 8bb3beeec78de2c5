// How far a run was when its output was last on disk: OUTPUT.checkpoint, one JSON object, replaced in one step.
//
//     1  OUTPUT.partial is written behind what it has          killed here: the checkpoint before counts,
//     2  … and is on disk (fdatasync)                          and what is behind it is cut off
//     3  the checkpoint takes the old one's place (rename)
//
// So what a resumed run finds is a whole number of blocks, and no row is lost or doubled.

internal import Configuration
internal import Glibc
internal import JSON

struct Checkpoint: Equatable {
    /// What must be the same, in words that an error can use.
    var input: String
    var model: String
    var options: String

    var blockBytes: Int
    /// The next one.
    var block = 0
    var outputBytes = 0
    var rejectBytes = 0
    var lines = 0
    var rows = 0
    var rejected = 0

    private static let keys = ["blockBytes", "block", "outputBytes", "rejectBytes", "lines", "rows", "rejected"]

    private var numbers: [Int] { [blockBytes, block, outputBytes, rejectBytes, lines, rows, rejected] }

    private var text: String {
        let texts = [("input", input), ("model", model), ("options", options)]
            .map { "\"\($0.0)\":\(JSONText.quoted($0.1))" }
        let counts = zip(Self.keys, numbers).map { "\"\($0)\":\($1)" }
        return "{\"schema\":1," + (texts + counts).joined(separator: ",") + "}\n"
    }

    /// The checkpoint of a run; nil: there is none.
    static func read(_ path: String) throws(ConfigurationError) -> Checkpoint? {
        guard access(path, F_OK) == 0 else { return nil }
        let bytes = try FileBytes.read(path, limit: 1 << 20)
        var parser = JSONParser(maxBytes: bytes.count)
        guard let root = try? parser.parse(copying: bytes), root["schema"]?.asInt64 == 1,
            let input = root["input"]?.asString, let model = root["model"]?.asString,
            let options = root["options"]?.asString, let object = root.asObject
        else { throw broken(path) }
        var numbers: [Int] = []
        for key in keys {
            guard let member = object.first(where: { $0.name.asString == key }), let number = member.value.asInt64,
                number >= 0
            else { throw broken(path) }
            numbers.append(Int(number))
        }
        guard numbers[0] > 0 else { throw broken(path) }
        return Checkpoint(
            input: input, model: model, options: options, blockBytes: numbers[0], block: numbers[1],
            outputBytes: numbers[2], rejectBytes: numbers[3], lines: numbers[4], rows: numbers[5], rejected: numbers[6])
    }

    private static func broken(_ path: String) -> ConfigurationError {
        ConfigurationError(source: path, message: "is no checkpoint of this version; --restart begins anew")
    }

    /// Puts the checkpoint in the old one's place, on disk when this returns.
    func write(_ path: String) throws(ConfigurationError) {
        let fresh = path + ".new"
        func failed() -> ConfigurationError {
            ConfigurationError(source: path, message: "cannot be written: \(FileBytes.reason(errno))")
        }
        let file = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw failed() }
        defer { close(file) }
        let bytes = Array(text.utf8)
        guard Glibc.write(file, bytes, bytes.count) == bytes.count, fsync(file) == 0, rename(fresh, path) == 0 else {
            throw failed()
        }
    }

    /// Throws where the interrupted run was another one.
    func refuse(unlessLike other: Checkpoint, path: String) throws(ConfigurationError) {
        let differences = [
            ("of another input, or of one that has changed", input == other.input),
            ("of another model", model == other.model),
            ("of other outputs or another format", options == other.options),
        ]
        guard let difference = differences.first(where: { !$0.1 }) else { return }
        throw ConfigurationError(source: path, message: "is \(difference.0); --restart begins anew")
    }
}

/// Strings as JSON.
enum JSONText {
    static func quoted(_ text: String) -> String {
        let utf8 = Array(text.utf8)
        var out = [UInt8](repeating: 0, count: JSONWriter.escapedBytesMax * utf8.count + 2)
        let count = utf8.withUnsafeBytes { text in
            out.withUnsafeMutableBytes { JSONWriter.write(string: text, to: $0.baseAddress.unsafelyUnwrapped) }
        }
        return String(decoding: out[..<count], as: UTF8.self)
    }
}
