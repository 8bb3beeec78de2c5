// What the source model says about itself, kept beside its compiled image.
//
// A start that finds an image in the cache does not read the source model, yet must still compare
// the manifest with it.  So the few facts that comparison needs travel with the image.

public import ModelFormat

public struct ModelFacts: Sendable, Equatable {
    public var format: ModelFileFormat
    public var objective: String
    /// 0: no classifier.
    public var classCount: Int
    public var outputCount: Int
    public var trainerVersion: String?
    public var featureNames: [String]
    public var categoricalFeatures: [Bool]
    /// By feature, index = code; empty where the file has none.
    public var categories: [[String]]
    /// What an importer had to say.
    public var notes: [String]

    init(_ model: borrowing ImportedModel) {
        format = model.format
        objective = model.objective
        classCount = model.classCount
        outputCount = model.model.outputCount
        trainerVersion = model.trainerVersion
        featureNames = model.featureNames
        categoricalFeatures = model.categoricalFeatures
        categories = model.categories
        notes = model.notes
    }

    /// Whether the file had names of its own, not `f0` or LightGBM's `Column_0`.
    var hasOwnFeatureNames: Bool {
        !featureNames.enumerated().allSatisfy { $1 == "f\($0)" || $1 == "Column_\($0)" }
    }
}

// MARK: Bytes

extension ModelFacts {
    /// Length-prefixed strings and counts, little-endian.
    var encoded: [UInt8] {
        var writer = FactsWriter()
        writer.write(format.rawValue)
        writer.write(objective)
        writer.write(classCount)
        writer.write(outputCount)
        writer.write(trainerVersion ?? "")
        writer.write(featureNames)
        writer.write(categoricalFeatures.count)
        writer.bytes += categoricalFeatures.map { $0 ? 1 : 0 }
        writer.write(categories.count)
        for names in categories { writer.write(names) }
        writer.write(notes)
        return writer.bytes
    }

    /// nil: not what `encoded` gives.
    init?(decoding bytes: [UInt8]) {
        var reader = FactsReader(bytes: bytes[...])
        guard let format = reader.text().flatMap(ModelFileFormat.init), let objective = reader.text(),
            let classCount = reader.count(),
            let outputCount = reader.count(), let trainerVersion = reader.text(), let names = reader.texts(),
            let flagCount = reader.count(), let flags = reader.take(flagCount), let listCount = reader.count()
        else { return nil }
        var lists: [[String]] = []
        for _ in 0..<listCount {
            guard let list = reader.texts() else { return nil }
            lists.append(list)
        }
        guard let notes = reader.texts(), reader.bytes.isEmpty, flags.count == names.count else { return nil }
        self.format = format
        self.objective = objective
        self.classCount = classCount
        self.outputCount = outputCount
        self.trainerVersion = trainerVersion.isEmpty ? nil : trainerVersion
        featureNames = names
        categoricalFeatures = flags.map { $0 != 0 }
        categories = lists
        self.notes = notes
    }
}

private struct FactsWriter {
    var bytes: [UInt8] = []

    mutating func write(_ count: Int) {
        withUnsafeBytes(of: UInt32(count).littleEndian) { bytes += $0 }
    }

    mutating func write(_ text: String) {
        write(text.utf8.count)
        bytes += text.utf8
    }

    mutating func write(_ texts: [String]) {
        write(texts.count)
        for text in texts { write(text) }
    }
}

private struct FactsReader {
    var bytes: ArraySlice<UInt8>

    mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard count <= bytes.count else { return nil }
        defer { bytes = bytes.dropFirst(count) }
        return bytes.prefix(count)
    }

    /// A count can never be above the bytes that are left, because everything counted takes one.
    mutating func count() -> Int? {
        guard let digits = take(4) else { return nil }
        return digits.reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    mutating func text() -> String? {
        guard let count = count(), let utf8 = take(count) else { return nil }
        return String(validating: utf8, as: UTF8.self)
    }

    mutating func texts() -> [String]? {
        guard let count = count(), count <= bytes.count else { return nil }
        var texts: [String] = []
        for _ in 0..<count {
            guard let text = text() else { return nil }
            texts.append(text)
        }
        return texts
    }
}
