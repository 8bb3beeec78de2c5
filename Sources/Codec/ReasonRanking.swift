// Which features are a row's reasons: those that moved the margin most in the direction that the manifest names.
//
//     contributions of the row's class ─► candidates above 0 in that direction ─► the strongest of each text ─► top
//
// The list is short (ReasonPolicy.topMax), so it is kept in order while the features go by. Equal contributions: the
// feature that comes first in the manifest.

internal import Inference
internal import Primitives

struct ReasonRanking {
    private var features: InlineArray<16, Int32> = .init(repeating: -1)
    private var strengths: InlineArray<16, Double> = .init(repeating: 0)
    private var count = 0
    private let limit: Int

    init(limit: Int) {
        precondition(limit <= ReasonPolicy.topMax)
        self.limit = limit
    }

    /// A feature that moved the margin by `strength` in the direction of reasons.
    mutating func add(_ feature: Int, _ strength: Double, _ texts: borrowing ExplanationTexts) {
        let number = texts.reasonNumber(feature)
        guard number >= 0, strength > 0, limit > 0 else { return }
        for place in 0..<count where texts.reasonNumber(Int(features[place])) == number {
            if strengths[place] >= strength { return }
            remove(place)
            break
        }
        if count == limit {
            if strengths[count - 1] >= strength { return }
            count -= 1
        }
        insert(Int32(feature), strength)
    }

    private mutating func remove(_ place: Int) {
        count -= 1
        for index in place..<count { (features[index], strengths[index]) = (features[index + 1], strengths[index + 1]) }
    }

    private mutating func insert(_ feature: Int32, _ strength: Double) {
        var place = count
        while place > 0, strengths[place - 1] < strength {
            (features[place], strengths[place]) = (features[place - 1], strengths[place - 1])
            place -= 1
        }
        (features[place], strengths[place]) = (feature, strength)
        count += 1
    }

    /// The strongest first; -1 behind the last.
    func write(to out: UnsafeMutablePointer<Int32>) {
        for place in 0..<limit { out[place] = place < count ? features[place] : -1 }
    }

    /// Fills `request.ranking`: every row's reasons.
    static func rank(_ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec) {
        let (rows, limit) = (request.pointee.rowCount, request.pointee.explanation.reasons)
        request.pointee.ranking.reserve(rows * limit * 4)
        request.pointee.ranking.count = rows * limit * 4
        let out = request.pointee.ranking.pointer.assumingMemoryBound(to: Int32.self)
        let contributions = Contributions(request, codec)
        let sign: Double = codec.explanation.policy.toward == .higher ? 1 : -1
        for row in 0..<rows {
            var ranking = ReasonRanking(limit: limit)
            let first = contributions.first(row, contributions.column(row, request, codec))
            for feature in 0..<codec.featureCount {
                ranking.add(feature, sign * contributions.double(first + feature), codec.explanation)
            }
            ranking.write(to: out + row * limit)
        }
    }
}

/// A slot's contributions: [row][column][features + 1].
struct Contributions {
    let values: Scores
    private let width: Int
    private let columns: Int

    init(_ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec) {
        values = Scores(request.pointee.contributions.pointer, codec)
        width = codec.featureCount + 1
        columns = codec.columns
    }

    /// Where an output's contributions begin.
    @inline(__always)
    func first(_ row: Int, _ column: Int) -> Int { (row * columns + column) * width }

    @inline(__always)
    func double(_ index: Int) -> Double { values.double(index) }

    /// The class that the row's reasons speak for.
    func column(
        _ row: Int, _ request: UnsafeMutablePointer<InferenceRequest>, _ codec: ModelCodec
    ) -> Int {
        if codec.columns == 1 { return 0 }
        let wished = request.pointee.explanation.column
        return wished >= 0 ? wished : Scores(request.pointee.scores.pointer, codec).label(row, codec)
    }
}
