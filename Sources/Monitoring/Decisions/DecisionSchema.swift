// What a version's records mean: names, categories, and what may not be logged in clear.

public import Inference

/// What becomes of a feature that the manifest calls personal.
public enum PersonalData: String, Sendable, CaseIterable {
    /// It is left out.
    case drop
    /// A keyed hash stands for it: equal values stay equal, and nobody without the key finds out which.
    case hash
}

public struct DecisionSchema: Sendable {
    public let serial: UInt64
    public let model: String
    public let version: String
    /// Of the source model.
    public let digest: String
    public let features: [FeatureSpec]
    public let output: ModelOutput
    public let personal: PersonalData

    public init(
        serial: UInt64, model: String, version: String, digest: String, features: [FeatureSpec], output: ModelOutput,
        personal: PersonalData
    ) {
        (self.serial, self.model, self.version, self.digest) = (serial, model, version, digest)
        (self.features, self.output, self.personal) = (features, output, personal)
    }
}
