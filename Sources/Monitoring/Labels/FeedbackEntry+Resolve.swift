// From a label as it was sent to a row of the store: whose prediction it is, and whether it can be one of its classes.

extension FeedbackEntry {
    /// What a label is held against.
    public struct Context: Sendable {
        public var model: String
        public var keys: PredictionKeys
        /// Milliseconds since 1970.
        public var now: Int64
        /// How old a prediction may be, in milliseconds.
        public var acceptMillis: Int64
        /// Names of the arms that the gateway names itself, by their numbers.
        public var armNames: [String]

        public init(model: String, keys: PredictionKeys, now: Int64, acceptMillis: Int64, armNames: [String]) {
            (self.model, self.keys, self.now) = (model, keys, now)
            (self.acceptMillis, self.armNames) = (acceptMillis, armNames)
        }
    }

    /// A clock that is ahead of this one is forgiven so much.
    private static let skewMillis: Int64 = 300_000

    /// `place`: in front of the names of fields; `subject`: of an identity.
    public func resolve(
        _ context: Context, _ place: String, _ subject: (UInt64) -> LabelSubject?
    ) throws(FeedbackRefusal) -> (row: LabelRow, subject: LabelSubject) {
        guard let facts = PredictionFacts(predictionID, context.keys) else {
            throw FeedbackRefusal(400, "\(place)prediction_id: this gateway has not given it out")
        }
        if facts.number.millis < context.now - context.acceptMillis {
            let days = context.acceptMillis / LabelRow.dayMillis
            throw FeedbackRefusal(410, "\(place)prediction_id: expired, labels are taken for \(days) days")
        }
        guard let subject = subject(facts.identity) else {
            throw FeedbackRefusal(404, "\(place)prediction_id: of a version that nobody here knows any more")
        }
        guard subject.model == context.model else {
            throw FeedbackRefusal(400, "\(place)prediction_id: of another model; send the label there")
        }
        var classIndex: Int?
        if let label {
            classIndex = subject.classIndex(label)
            if classIndex == nil {
                throw FeedbackRefusal(400, "\(place)label: expected \(subject.expectation)")
            }
        }
        let time = time ?? context.now
        guard time <= context.now + Self.skewMillis else {
            throw FeedbackRefusal(400, "\(place)time: lies in the future")
        }
        guard time >= facts.number.millis - Self.skewMillis else {
            throw FeedbackRefusal(400, "\(place)time: lies before the prediction")
        }
        let known = facts.arm.map { Int($0) < context.armNames.count ? context.armNames[Int($0)] : "\($0)" }
        let row = LabelRow(
            facts, arm: known ?? facts.armName, label: classIndex, revision: revision ?? 0, labelledAt: time,
            receivedAt: context.now)
        return (row, subject)
    }
}
