// What an XGBoost objective does at both ends: base_score to base margin, margins to scores.
//
// base_score stands in the file in the space of the scores, so a logistic model's 0.01 becomes
// logit(0.01), computed in float32 as the library does.

internal import Glibc

struct XGBoostObjective {
    /// How base_score becomes a margin.
    private enum Link { case identity, logit, log }

    let name: String
    let transform: OutputTransform
    private let link: Link

    init(_ field: ModelField, outputs: Int, version: XGBoostVersion?) throws(ModelFormatError) {
        let nameField = try field.member("name")
        name = try nameField.string()
        switch name {
        case "binary:logistic", "reg:logistic": (transform, link) = (.sigmoid(scale: 1), .logit)
        case "binary:logitraw": (transform, link) = (.identity, .identity)
        case "binary:hinge": (transform, link) = (.step, .identity)
        case "multi:softprob", "multi:softmax": (transform, link) = (.softmax, .identity)
        case "count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft":
            (transform, link) = (.exponential, .log)
        case "reg:squarederror", "reg:linear", "reg:squaredlogerror", "reg:pseudohubererror", "reg:absoluteerror",
            "rank:pairwise", "rank:ndcg", "rank:map":
            (transform, link) = (.identity, .identity)
        case "reg:quantileerror", "reg:expectileerror":
            // Several levels are put in increasing order by a transform of their own (quantiles: from 3.4 on).
            if outputs > 1, name == "reg:expectileerror" || version?.isAtLeast(3, 4) ?? true {
                throw nameField.error("\(name) with several levels is not supported for this version of XGBoost")
            }
            (transform, link) = (.identity, .identity)
        default:
            throw nameField.error(
                "this objective is not supported; supported are logistic, softmax, squared and other "
                    + "regression, count, gamma, tweedie, rank and survival objectives")
        }
    }

    /// Classes for the manifest: 2 for a binary model, 0 for what is no classifier.
    func classCount(_ parameters: XGBoostParameters) -> Int {
        if name.hasPrefix("binary:") { return 2 }
        return name.hasPrefix("multi:") ? parameters.outputs : 0
    }

    /// What each output's sum starts from.
    func baseMargins(_ parameters: XGBoostParameters) throws(ModelFormatError) -> [Double] {
        let scores = parameters.baseScores
        var margins: [Double] = []
        for output in 0..<parameters.outputs {
            let margin = margin(scores.count == 1 ? scores[0] : scores[output])
            guard margin.isFinite else {
                throw ModelFormatError(parameters.baseScorePlace, "is out of the range of \(name)")
            }
            margins.append(Double(margin))
        }
        return margins
    }

    private func margin(_ score: Float) -> Float {
        switch link {
        case .identity: return score
        case .log: return logf(score)
        case .logit:
            guard (0...1).contains(score) else { return .nan }
            let bounded = min(max(score, 1e-6), 1 - 1e-6)
            return -logf(1 / bounded - 1)
        }
    }
}
