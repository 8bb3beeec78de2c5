// The fields of `executors`, with their ranges and units.

extension ConfigurationField {
    private static let second: UInt64 = 1_000_000_000

    static let executors: [ConfigurationField] = [
        ConfigurationField("executors.threads", .integer(\.executors.threads, 0...256, unit: "threads")),
        ConfigurationField("executors.inline_limit", .duration(\.executors.inlineLimitNanos, 1000...second)),
        ConfigurationField("executors.spin", .duration(\.executors.spinNanos, 0...1_000_000)),
        ConfigurationField("executors.stuck", .duration(\.executors.stuckNanos, 10_000_000...3600 * second)),
        ConfigurationField("executors.nice", .integer(\.executors.niceness, 0...19, unit: "")),
        ConfigurationField("executors.processors", .processors(\.executors.processors)),
        ConfigurationField("executors.reactor_processors", .processors(\.executors.reactorProcessors)),
    ]
}

/// `any`, or numbers of processors as taskset(1) has them: `0,2-3`.
enum ProcessorList {
    /// As many as a kernel's affinity mask has.
    private static let processorMax = 1023

    static func parse(_ text: String) -> [Int]? {
        if text == "any" { return [] }
        var processors: [Int] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map {
                ScalarText.integer(String($0))
            }
            guard let first = ends[0], let last = ends[ends.count - 1], ends.count <= 2 else { return nil }
            guard 0...processorMax ~= first, first...processorMax ~= max(first, last), last >= first else { return nil }
            for processor in first...last where !processors.contains(processor) { processors.append(processor) }
        }
        return processors
    }

    static func text(_ processors: [Int]) -> String {
        processors.isEmpty ? "any" : processors.map(String.init).joined(separator: ",")
    }
}
