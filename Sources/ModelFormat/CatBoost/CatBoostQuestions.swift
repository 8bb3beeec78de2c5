// The questions that splits ask, numbered as the file numbers them.
//
//     split_index   0 …             every border of every float feature, in the file's order
//                   then            every value of every one-hot feature
//                   then            every border of every counter
//
// CatBoost itself goes by that number alone.  A split says in words too what it asks; a file in
// which the two disagree is refused.

struct CatBoostQuestions {
    enum Question {
        /// Whether a number is above its feature's border.
        case border(number: Int, border: Int)
        /// Whether a category is the feature's one-hot value.
        case oneHot(category: Int, value: Int)
        /// Whether a counter is above its border.
        case counter(counter: Int, border: Int)
    }

    let features: CatBoostFeatures
    let counters: [CatBoostCounterReader.Counter]
    let questions: [Question]

    init(features: CatBoostFeatures, counters: [CatBoostCounterReader.Counter]) {
        self.features = features
        self.counters = counters
        var questions: [Question] = []
        for (number, feature) in features.numbers.enumerated() {
            questions += feature.borders.indices.map { .border(number: number, border: $0) }
        }
        for (category, feature) in features.categories.enumerated() {
            questions += feature.values.indices.map { .oneHot(category: category, value: $0) }
        }
        for (counter, description) in counters.enumerated() {
            questions += description.borders.indices.map { .counter(counter: counter, border: $0) }
        }
        self.questions = questions
    }

    /// The number of a split's question.
    func number(_ split: ModelField) throws(ModelFormatError) -> Int32 {
        let typeField = try split.member("split_type")
        let type = try typeField.string()
        guard ["FloatFeature", "OneHotFeature", "OnlineCtr"].contains(type) else {
            throw typeField.error(
                "\(type.prefix(40)) is not supported; supported are FloatFeature, OneHotFeature and OnlineCtr")
        }
        guard !questions.isEmpty else { throw split.error("the file has no borders to split at") }
        let indexField = try split.member("split_index")
        let index = try indexField.integer(0...questions.count - 1)
        guard try agrees(split, type: type, questions[index]) else {
            throw indexField.error("is the number of another split than this one")
        }
        return Int32(index)
    }

    private func agrees(_ split: ModelField, type: String, _ question: Question) throws(ModelFormatError) -> Bool {
        switch question {
        case .border(let number, let border):
            guard type == "FloatFeature" else { return false }
            let feature = features.numbers[number]
            let (index, asked) = (
                try split.member("float_feature_index").number(), try split.member("border").float()
            )
            return index == Double(feature.index) && asked == feature.borders[border]
        case .oneHot(let category, let value):
            guard type == "OneHotFeature" else { return false }
            let feature = features.categories[category]
            let (index, asked) = (try split.member("cat_feature_index").number(), try split.member("value").number())
            return index == Double(feature.index) && asked == Double(feature.values[value])
        case .counter(let counter, let border):
            guard type == "OnlineCtr" else { return false }
            let description = counters[counter]
            let (index, asked) = (
                try split.member("ctr_target_border_idx").number(), try split.member("border").float()
            )
            return index == Double(description.targetBorder) && asked == description.borders[border]
        }
    }
}
