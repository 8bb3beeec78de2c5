// Why a model's scores cannot be explained.

/// The place is the model's own: `trees[3]`, `stages[2] (scaler)`; empty: the whole model.
public struct ContributionError: Error, Sendable, Equatable, CustomStringConvertible {
    public var place: String
    public var message: String

    init(_ place: String, _ message: String) {
        self.place = place
        self.message = message
    }

    public var description: String { place.isEmpty ? message : "\(place): \(message)" }
}
