// What every importer ends in, and the compiler begins with: one forest, or a pipeline of stages.
//
//     XGBoost, LightGBM, CatBoost ──► .forest
//     ONNX, linear, dense, CatBoost with categories, a manifest's own steps ──► .pipeline

public enum PortableModel: Sendable, Equatable {
    case forest(Forest)
    case pipeline(Pipeline)

    /// Columns of a row.
    public var featureCount: Int {
        switch self {
        case .forest(let forest): forest.featureCount
        case .pipeline(let pipeline): pipeline.input.columns
        }
    }

    /// Columns of margins and scores.
    public var outputCount: Int {
        switch self {
        case .forest(let forest): forest.outputCount
        case .pipeline(let pipeline): pipeline.value(pipeline.scores).columns
        }
    }

    /// The width of scores and margins.
    public var scoreWidth: NumberWidth {
        switch self {
        case .forest(let forest): forest.accumulation
        case .pipeline(let pipeline): pipeline.value(pipeline.scores).width
        }
    }

    /// Throws at the first thing that is out of range.
    public func check() throws(ModelFormatError) {
        switch self {
        case .forest(let forest): try forest.check()
        case .pipeline(let pipeline): try pipeline.check()
        }
    }
}
