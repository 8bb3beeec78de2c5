// Prediction ids of answered requests: of a single row in its slot's buffer and in the header, of many on request only.
//
// An id speaks of the version that was to answer, also where a fallback did: labels are sent to its model, and tell the
// fallbacks apart. Nothing is allocated in a warm slot.

import CLinux
import Glibc
import HTTP
import Inference
import Monitoring
import Primitives
import Routing

extension DataPlane {
    private static let wallNanos: UInt64 = 1_000_000_000
    /// Odd above the lowest 16 bits, so that all 2^48 come up; large, so that an id does not tell how many there were.
    private static let requestStep: UInt64 = 0x9e37_79b9_7f4b << 16

    /// Numbers the request: by the moment, and by a count that began where it was drawn: no two of 2^48 are the same.
    @inline(__always)
    func number(_ prediction: PredictionPointer, at now: UInt64) {
        if now &- wallAt > Self.wallNanos { lookAtTheWall(now) }
        let millis = UInt64(bitPattern: Int64(bitPattern: now) &+ wallOffset) / 1_000_000
        requestCount &+= Self.requestStep
        prediction.pointee.number = RequestNumber(millis: millis, own: requestCount)
    }

    private func lookAtTheWall(_ now: UInt64) {
        var wall = timespec()
        clock_gettime(CLOCK_REALTIME, &wall)
        wallOffset = Int64(wall.tv_sec) * 1_000_000_000 + Int64(wall.tv_nsec) - Int64(bitPattern: now)
        wallAt = now
    }

    /// Refuses a request for ids where none are given out.
    func checkPredictionIDs(_ prediction: PredictionPointer) throws(RequestError) {
        guard prediction.pointee.request.pointee.wantsPredictionIDs,
            !versions[prediction.pointee.version].stamp.isOn
        else { return }
        throw .badRequest(
            "outputs: 'prediction_id' is not given out by this version: feedback is off, or it has no classes")
    }

    /// Writes the ids of the answer's rows.
    @inline(__always)
    func stamp(_ prediction: PredictionPointer, _ index: Int) {
        guard versions[prediction.pointee.routed].stamp.isOn else { return }
        let request = prediction.pointee.request
        if request.pointee.rowCount == 1 || request.pointee.wantsPredictionIDs { stampRows(prediction, index) }
    }

    /// The header's value: a single row's id; empty: there is none.
    @inline(__always)
    func predictionID(_ prediction: PredictionPointer) -> UnsafeRawBufferPointer {
        let request = prediction.pointee.request
        return request.pointee.rowCount == 1
            ? request.pointee.predictionIDs.bytes : UnsafeRawBufferPointer(start: nil, count: 0)
    }

    private func stampRows(_ prediction: PredictionPointer, _ index: Int) {
        let request = prediction.pointee.request
        let (routed, arm) = (versions + prediction.pointee.routed, prediction.pointee.arm)
        let (isDouble, rows) = (request.pointee.valueType == .float64, request.pointee.rowCount)
        let rowBytes = rows == 1 ? 0 : request.pointee.values.count / max(rows, 1)
        // Labels are below the columns but for a fixed one.
        let isWide = rows > 256 || versions[index].columns > 256 || request.pointee.fixedLabel > 255
        var mark = PredictionMark(
            number: prediction.pointee.number, row: nil, isWide: isWide, score: 0,
            isDouble: versions[index].scoreType == .float64, decision: 0,
            isFallback: prediction.pointee.rung > 0, arm: arm.namedIndex == nil ? arm.rawValue : nil,
            armName: routed.pointee.arms[Int(arm.rawValue)].pointee.name)
        request.pointee.predictionIDs.reserve(rows * PredictionStamp.textMax)
        for row in 0..<rows {
            if rows > 1 { mark.row = row }
            (mark.decision, mark.score) = decision(request, index, row)
            request.pointee.predictionIDs.count += routed.pointee.stamp.write(
                mark, values: request.pointee.values.pointer + row * rowBytes, isDouble: isDouble,
                to: request.pointee.predictionIDs.pointer + request.pointee.predictionIDs.count)
        }
    }

    /// The class that is answered, and its score: of one column, the column's.
    private func decision(
        _ request: UnsafeMutablePointer<InferenceRequest>, _ index: Int, _ row: Int
    ) -> (label: Int, score: Double) {
        let entry = versions + index
        let (columns, isDouble) = (entry.pointee.columns, entry.pointee.scoreType == .float64)
        let scores = request.pointee.scores.pointer + row * columns * entry.pointee.scoreType.byteCount
        func score(_ column: Int) -> Double {
            isDouble
                ? scores.loadUnaligned(fromByteOffset: 8 * column, as: Double.self)
                : Double(scores.loadUnaligned(fromByteOffset: 4 * column, as: Float.self))
        }
        let fixed = request.pointee.fixedLabel
        if columns == 1 {
            let (value, positive) = (score(0), entry.pointee.positive)
            let threshold = isDouble ? entry.pointee.threshold : Double(Float(entry.pointee.threshold))
            return (fixed >= 0 ? fixed : value >= threshold ? positive : positive == 0 ? 1 : 0, value)
        }
        var best = 0
        for column in 1..<columns where score(column) > score(best) { best = column }
        let label = fixed >= 0 ? fixed : best
        return (label, score(label < columns ? label : best))
    }
}
