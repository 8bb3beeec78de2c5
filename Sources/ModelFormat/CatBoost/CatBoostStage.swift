// The stage before the forest, of what the trees ask for and nothing else.
//
// One-hot columns stand before counters, so their number must be known before a counter's column
// is: both are taken from the questions that are in use before the first split is made.

struct CatBoostStage {
    private(set) var counters = CatBoostCounters()
    private let questions: CatBoostQuestions
    private let reader: CatBoostCounterReader
    /// Of listed categories, by the file's categories.
    private let hashes: [[UInt32]]
    /// Places in `counters` by the file's numbering; what is not in use has none.
    private var categoryPlaces: [Int: Int] = [:]
    private var oneHotPlaces: [Int: Int] = [:]
    private var combinationPlaces: [Int: Int] = [:]
    private var tablePlaces: [Int: Int] = [:]
    private var counterPlaces: [Int: Int] = [:]

    var outputColumns: Int { counters.outputColumns }

    init(_ questions: CatBoostQuestions, _ reader: CatBoostCounterReader, _ hashes: [[UInt32]], used: [Bool]) {
        self.questions = questions
        self.reader = reader
        self.hashes = hashes
        for case (.oneHot(let category, let value), true) in zip(questions.questions, used) { use(category, value) }
        for case (.counter(let counter, _), true) in zip(questions.questions, used) { use(counter) }
    }

    private func hash(_ category: Int, _ value: Int) -> UInt32 {
        UInt32(bitPattern: questions.features.categories[category].values[value])
    }

    private mutating func use(_ category: Int, _ value: Int) {
        let hash = hash(category, value)
        if let place = oneHotPlaces[category] {
            counters.oneHots[place].values.append(hash)
        } else {
            oneHotPlaces[category] = counters.oneHots.count
            counters.oneHots.append(CatBoostCounters.OneHot(category: self.category(category), values: [hash]))
        }
    }

    private mutating func use(_ counter: Int) {
        guard counterPlaces[counter] == nil else { return }
        var own = questions.counters[counter].counter
        own.table = table(own.table)
        counterPlaces[counter] = counters.counters.count
        counters.counters.append(own)
    }

    private mutating func table(_ number: Int) -> Int {
        if let place = tablePlaces[number] { return place }
        var own = reader.tables[number]
        own.combination = combination(own.combination)
        tablePlaces[number] = counters.tables.count
        counters.tables.append(own)
        return counters.tables.count - 1
    }

    private mutating func combination(_ number: Int) -> Int {
        if let place = combinationPlaces[number] { return place }
        var own = reader.combinations[number]
        own.categories = own.categories.map { category($0) }
        own.equalities = own.equalities.map {
            CatBoostCounters.Equality(category: category($0.category), hash: $0.hash)
        }
        combinationPlaces[number] = counters.combinations.count
        counters.combinations.append(own)
        return counters.combinations.count - 1
    }

    private mutating func category(_ number: Int) -> Int {
        if let place = categoryPlaces[number] { return place }
        categoryPlaces[number] = counters.categories.count
        counters.categories.append(
            CatBoostCounters.Category(column: questions.features.categories[number].column, hashes: hashes[number]))
        return counters.categories.count - 1
    }

    /// The output column of a category, and the place of one of its values there.
    func oneHot(_ category: Int, _ value: Int) -> (column: Int, place: Int) {
        guard let column = oneHotPlaces[category],
            let place = counters.oneHots[column].values.firstIndex(of: hash(category, value))
        else { preconditionFailure("the question is marked as used") }
        return (column, place)
    }

    /// The output column of a counter.
    func counter(_ counter: Int) -> Int {
        guard let place = counterPlaces[counter] else { preconditionFailure("the question is marked as used") }
        return counters.oneHots.count + place
    }
}
