// The body of `:feedback`: one label, or many.
//
//     {"prediction_id":"AQAA…","label":1,"time":"2026-01-31T09:00:00Z","revision":2}
//     {"feedback":[{…},{…}]}    [{…},{…}]
//
// What is wrong with the document refuses all of it; what is wrong with one label of many refuses that one.

internal import JSON

/// A label as it was sent.
public enum FeedbackLabel: Sendable, Equatable {
    case number(Int64)
    case text(String)
    case flag(Bool)
}

/// One label of a body, whose kinds are right.
public struct FeedbackEntry: Sendable, Equatable {
    public var predictionID: [UInt8]
    /// nil: an earlier label is taken back.
    public var label: FeedbackLabel?
    /// Milliseconds since 1970; nil: now.
    public var time: Int64?
    public var revision: Int64?
}

/// Why a label, or a whole body, is refused: an HTTP status, and a sentence that names the field.
public struct FeedbackRefusal: Error, Sendable, Equatable {
    public var status: Int
    public var message: String

    public init(_ status: Int, _ message: String) { (self.status, self.message) = (status, message) }
}

/// Reads bodies, one after the other, in memory that it keeps.
public struct FeedbackReader: ~Copyable {
    private var parser: JSONParser

    /// Of up to so many bytes.
    public init(bytesMax: Int) { parser = JSONParser(maxBytes: bytesMax) }

    public mutating func read(_ bytes: [UInt8]) throws(FeedbackRefusal) -> FeedbackBody {
        try FeedbackBody(bytes, &parser)
    }
}

public struct FeedbackBody: Sendable {
    public static let entriesMax = 4096

    public var entries: [Result<FeedbackEntry, FeedbackRefusal>]
    /// Many were sent, or one in a list: the answer counts.
    public var isBatch: Bool

    init(_ bytes: [UInt8], _ parser: inout JSONParser) throws(FeedbackRefusal) {
        let root: JSONValue
        do throws(JSONError) { root = try parser.parse(copying: bytes) } catch {
            throw FeedbackRefusal(400, "malformed JSON at byte \(error.offset): \(error.message)")
        }
        if let array = root.asArray {
            self = try Self.list(array, "the body")
        } else if let object = root.asObject, let list = object["feedback"] {
            guard object.count == 1 else { throw FeedbackRefusal(400, "feedback: expected nothing beside it") }
            guard let array = list.asArray else {
                throw FeedbackRefusal(400, "feedback: expected an array, got \(list.kind.description)")
            }
            self = try Self.list(array, "feedback")
        } else if root.asObject != nil {
            (entries, isBatch) = ([Self.entry(root, "")], false)
        } else {
            throw FeedbackRefusal(400, "request body: expected an object or an array, got \(root.kind.description)")
        }
    }

    private init(entries: [Result<FeedbackEntry, FeedbackRefusal>]) { (self.entries, isBatch) = (entries, true) }

    private static func list(_ array: JSONArray, _ place: String) throws(FeedbackRefusal) -> FeedbackBody {
        guard (1...entriesMax).contains(array.count) else {
            throw FeedbackRefusal(400, "\(place): expected 1 to \(entriesMax) labels, got \(array.count)")
        }
        return FeedbackBody(entries: array.enumerated().map { entry($0.element, "feedback[\($0.offset)].") })
    }

    private static func entry(_ value: JSONValue, _ place: String) -> Result<FeedbackEntry, FeedbackRefusal> {
        do throws(FeedbackRefusal) { return .success(try read(value, place)) } catch { return .failure(error) }
    }

    /// An object's members, by their names.
    private struct Members {
        var id: JSONValue?
        var label: JSONValue?
        var time: JSONValue?
        var revision: JSONValue?

        init(_ object: JSONObject, _ place: String) throws(FeedbackRefusal) {
            for member in object {
                if member.key == "prediction_id" {
                    try Self.set(&id, member, "prediction_id", place)
                } else if member.key == "label" {
                    try Self.set(&label, member, "label", place)
                } else if member.key == "time" {
                    try Self.set(&time, member, "time", place)
                } else if member.key == "revision" {
                    try Self.set(&revision, member, "revision", place)
                } else {
                    throw FeedbackRefusal(
                        400, "\(place)an unknown key: expected prediction_id, label, time, revision")
                }
            }
        }

        private static func set(
            _ field: inout JSONValue?, _ member: JSONMember, _ name: String, _ place: String
        ) throws(FeedbackRefusal) {
            if field != nil { throw FeedbackRefusal(400, "\(place)\(name): duplicate key") }
            field = member.value
        }
    }

    private static func refusal(_ field: String, _ expected: String, _ got: JSONValue?) -> FeedbackRefusal {
        FeedbackRefusal(400, "\(field): expected \(expected), got \(got.map { "\($0.kind.description)" } ?? "nothing")")
    }

    private static func read(_ value: JSONValue, _ place: String) throws(FeedbackRefusal) -> FeedbackEntry {
        guard let object = value.asObject else {
            throw refusal(place.isEmpty ? "request body" : String(place.dropLast()), "an object", value)
        }
        let members = try Members(object, place)
        guard let idValue = members.id, let id = idValue.stringBytes else {
            throw refusal("\(place)prediction_id", "a string", members.id)
        }
        var entry = FeedbackEntry(predictionID: Array(id))
        if let revision = members.revision, !revision.isNull {
            guard let number = revision.asInt64, number >= 0 else {
                throw refusal("\(place)revision", "a whole number from 0", revision)
            }
            entry.revision = number
        }
        guard let label = members.label else { throw refusal("\(place)label", "a class", nil) }
        entry.label = try Self.label(label, entry.revision, place)
        if let time = members.time, !time.isNull {
            guard let text = time.stringBytes else { throw refusal("\(place)time", "text", time) }
            guard let millis = Instant.millis(text) else {
                throw FeedbackRefusal(400, "\(place)time: expected an instant such as 2026-01-31T09:00:00Z")
            }
            entry.time = millis
        }
        return entry
    }

    private static func label(
        _ value: JSONValue, _ revision: Int64?, _ place: String
    ) throws(FeedbackRefusal) -> FeedbackLabel? {
        if let number = value.asInt64 { return .number(number) }
        if let text = value.asString { return .text(text) }
        if let flag = value.asBool { return .flag(flag) }
        // A float that is whole is no class either: 0.0 is more likely a score in the wrong place.
        guard value.isNull else {
            let got = value.asDouble == nil ? "\(value.kind.description)" : "a number that is no whole one"
            throw FeedbackRefusal(400, "\(place)label: expected a class, its name, true or false, got \(got)")
        }
        guard revision != nil else {
            throw FeedbackRefusal(400, "\(place)label: null takes a label back, which needs a revision")
        }
        return nil
    }
}
