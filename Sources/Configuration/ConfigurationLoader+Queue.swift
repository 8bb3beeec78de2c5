// `models.NAME.queue` and `models.NAME.fallback`.

extension ConfigurationLoader {
    static let queueFields = [
        "lane", "requests", "batch_rows", "batch_time", "linger", "concurrency", "starvation", "target", "interval",
        "share",
    ]
    private static let second: UInt64 = 1_000_000_000
    static let tiersMax = 8

    static func readQueue(_ value: YAMLValue) throws(ConfigurationError) -> QueueConfiguration {
        var queue = QueueConfiguration()
        let fields = try value.fields(queueFields)
        if let lane = fields["lane"] { queue.lane = try lane.choice(QueueConfiguration.Lane.self) }
        if let requests = fields["requests"] { queue.requests = try requests.integer(in: 1...65536) }
        if let rows = fields["batch_rows"] { queue.batchRows = try rows.integer(in: 1...4096) }
        if let time = fields["batch_time"] { queue.batchNanos = try time.nanos(in: 10_000...second) }
        if let linger = fields["linger"] { queue.lingerNanos = try linger.nanos(in: 0...second) }
        if let concurrency = fields["concurrency"] { queue.concurrency = try concurrency.integer(in: 0...256) }
        if let starvation = fields["starvation"] { queue.starvation = try starvation.integer(in: 1...1000) }
        if let target = fields["target"] { queue.targetNanos = try target.nanos(in: 10_000...60 * second) }
        if let interval = fields["interval"] { queue.intervalNanos = try interval.nanos(in: 100_000...60 * second) }
        if let share = fields["share"] { queue.share = try share.integer(in: 1...1000) }
        if queue.lane == .inline, let linger = fields["linger"], queue.lingerNanos > 0 {
            throw linger.error("a batch of the inline lane never waits; linger needs lane: pooled or measured")
        }
        return queue
    }

    /// `[{version: "1", reserve: 2ms}, {constant: {score: 0.5, label: 0}, reserve: 500us}]`
    static func readFallback(_ value: YAMLValue, model name: String) throws(ConfigurationError) -> [FallbackTier] {
        var tiers: [FallbackTier] = []
        for item in try value.items("a list of tiers", countMax: tiersMax) {
            let fields = try item.fields(["version", "model", "constant", "reserve"])
            let reserve = try fields.required("reserve")
            let nanos = try reserve.nanos(in: 10_000...60 * second)
            if let before = tiers.last, nanos >= before.reserveNanos {
                throw reserve.error(
                    "a later tier takes over later: its reserve must be below the one before, "
                        + Quantity.duration(nanos: before.reserveNanos))
            }
            if let before = tiers.last, case .constant = before.answer {
                throw item.error("the tier before is a constant, which always answers: this one would never be used")
            }
            tiers.append(FallbackTier(answer: try readAnswer(item, fields, name), reserveNanos: nanos))
        }
        return tiers
    }

    private static func readAnswer(
        _ item: YAMLValue, _ fields: YAMLFields, _ name: String
    ) throws(ConfigurationError) -> FallbackTier.Answer {
        let given = ["version", "model", "constant"].filter { fields[$0] != nil }
        guard given.count == 1 else { throw item.error("a tier has one of version, model and constant") }
        if let version = fields["version"] { return .version(try readVersion(version)) }
        if let model = fields["model"] {
            let other = try model.text("a model's name")
            guard ModelIdentifier.isName(other) else {
                throw model.error("a model's name is \(ModelIdentifier.nameExpectation)")
            }
            guard other != name else { throw model.error("is the model itself; name one of its versions") }
            return .model(other)
        }
        let constant = try fields.required("constant").fields(["score", "label"])
        let score = try constant.required("score")
        var scores: [Double] = []
        if score.isSequence {
            for column in try score.items("a score for each class", countMax: 65536) {
                scores.append(try column.number())
            }
        } else {
            scores.append(try score.number())
        }
        guard !scores.isEmpty, scores.allSatisfy(\.isFinite) else { throw score.expected("finite numbers") }
        let label = try constant["label"].map { value throws(ConfigurationError) in try value.integer(in: 0...65535) }
        return .constant(scores: scores, label: label)
    }
}
