// How much of an explanation is possible, in one place.

enum ContributionBounds {
    /// Different features on one path: half as many quadrature points, eight to a pass over the tree.
    static let pathFeatures = 512
    /// Coefficients of splits on features that were split on before, 8 bytes each in memory.
    static let coefficients = 32 << 20
    /// Words of all category sets' bits together, 8 bytes each in memory.
    static let categoryWords = 16 << 20
    /// Weights of a pipeline's outputs, 8 bytes each in memory while it is prepared.
    static let weights = 16 << 20
}
