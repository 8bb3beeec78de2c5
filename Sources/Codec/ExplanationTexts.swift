// What an explanation says besides numbers, prepared when a version is loaded: features' names, reasons, classes.
//
//     bytes   "amount":"hour":…   |  amount  "amount"  |  Unusual amount  "Unusual amount"  |  class names …
//     words   by feature: where its key, its name and its reason stand, and which reason it is
//
// Features that share a reason's text are one reason: the strongest of them speaks for it. Where the manifest has words
// for some features, only these can be reasons; where it has none, all can, under their names.

internal import Inference
internal import JSON
internal import Primitives

struct ExplanationTexts: ~Copyable {
    /// Bytes of the prepared text.
    struct Span {
        var start: Int
        var count: Int
    }

    struct Word {
        /// `"amount":`
        var key: Span
        /// `"amount"`
        var name: Span
        /// The text as it is, and as JSON has it; the name where the feature has none.
        var reason: Span
        var quotedReason: Span
        /// Features with the same number have the same text; -1: it is no reason.
        var reasonNumber: Int32
    }

    let policy: ReasonPolicy
    /// Reasons that a request may ask for.
    let reasonsMax: Int
    private let bytes: GrowableBuffer
    private let words: UnsafeMutableBufferPointer<Word>
    /// As in `Word`: the names of classes as they are, and as JSON has them; none where the manifest names none.
    private let classes: UnsafeMutableBufferPointer<(name: Span, quoted: Span)>
    /// Of all keys together, of the longest name, text, quoted text and quoted class.
    let keyBytes: Int
    let nameBytesMax: Int
    let reasonBytesMax: Int
    let quotedReasonBytesMax: Int
    let classBytesMax: Int

    init(_ features: [FeatureSpec], _ output: ModelOutput) {
        policy = output.reasons
        reasonsMax = min(ReasonPolicy.topMax, features.count)
        var bytes = GrowableBuffer()
        let hasReasons = features.contains { $0.reason != nil }
        var numbers: [String: Int32] = [:]
        words = .allocate(capacity: features.count)
        for (index, feature) in features.enumerated() {
            let text = feature.reason ?? feature.name
            var number: Int32 = -1
            if feature.reason != nil || !hasReasons {
                number = numbers[text] ?? Int32(numbers.count)
                numbers[text] = number
            }
            let word = Word(
                key: Self.append(&bytes) {
                    $0.appendJSON(string: feature.name)
                    $0.append(":")
                },
                name: Self.append(&bytes) { $0.appendJSON(string: feature.name) },
                reason: Self.append(&bytes) { $0.append(string: text) },
                quotedReason: Self.append(&bytes) { $0.appendJSON(string: text) }, reasonNumber: number)
            words.initializeElement(at: index, to: word)
        }
        classes = .allocate(capacity: output.classes.count)
        for (index, name) in output.classes.enumerated() {
            let span = Self.append(&bytes) { $0.append(string: name) }
            classes.initializeElement(
                at: index, to: (name: span, quoted: Self.append(&bytes) { $0.appendJSON(string: name) }))
        }
        self.bytes = bytes
        keyBytes = words.reduce(0) { $0 + $1.key.count }
        nameBytesMax = words.reduce(0) { max($0, $1.name.count) }
        reasonBytesMax = words.reduce(0) { max($0, $1.reason.count) }
        quotedReasonBytesMax = words.reduce(0) { max($0, $1.quotedReason.count) }
        classBytesMax = classes.reduce(JSONWriter.numberBytesMax) { max($0, $1.quoted.count) }
    }

    deinit {
        words.deallocate()
        classes.deallocate()
    }

    private static func append(_ bytes: inout GrowableBuffer, _ write: (inout GrowableBuffer) -> Void) -> Span {
        let start = bytes.count
        write(&bytes)
        return Span(start: start, count: bytes.count - start)
    }

    private func text(_ span: Span) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: bytes.pointer + span.start, count: span.count)
    }

    @inline(__always)
    func key(_ feature: Int) -> UnsafeRawBufferPointer { text(words[feature].key) }

    func name(_ feature: Int) -> UnsafeRawBufferPointer { text(words[feature].name) }

    func reason(_ feature: Int) -> UnsafeRawBufferPointer { text(words[feature].reason) }

    func quotedReason(_ feature: Int) -> UnsafeRawBufferPointer { text(words[feature].quotedReason) }

    @inline(__always)
    func reasonNumber(_ feature: Int) -> Int32 { words[feature].reasonNumber }

    /// The class's name in quotes; nil: it has none.
    func quotedClass(_ column: Int) -> UnsafeRawBufferPointer? {
        column < classes.count ? text(classes[column].quoted) : nil
    }

    /// The class of that name; nil: there is none.
    func column(named name: UnsafeRawBufferPointer) -> Int? {
        for index in classes.indices where text(classes[index].name).elementsEqual(name) { return index }
        return nil
    }
}
