// Why a model file is refused: where in it, and what was expected there.

/// Thrown by the importers and by the forest's checker.  The place is given in the file's own
/// terms: `learner.gradient_booster.model.trees[3].left_children[7]`, `byte 812`, `line 40`.
public struct ModelFormatError: Error, Sendable, Equatable, CustomStringConvertible {
    public var place: String
    public var message: String

    public init(_ place: String, _ message: String) {
        self.place = place
        self.message = message
    }

    public var description: String { place.isEmpty ? message : "\(place): \(message)" }
}
