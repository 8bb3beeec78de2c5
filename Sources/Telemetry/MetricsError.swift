// How a declaration of a metric fails: the program's own mistake, or too many models for the cells there are.

public struct MetricsError: Error, Equatable, CustomStringConvertible {
    /// The metric's name.
    public var metric: String
    /// What is wrong and what would be right.
    public var message: String

    public var description: String { "metric \(metric): \(message)" }

    init(_ metric: String, _ message: String) {
        self.metric = metric
        self.message = message
    }
}
