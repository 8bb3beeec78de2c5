// How far `serin score` is, on one line of a terminal:
//
//     fraud/1  [#########-----------]  45%  4512000 rows  1.93 M rows/s  0:03 left

internal import FileScoring
internal import Synchronization

struct ScoreSummary {
    var seconds: Double
    /// Rows a second, of this run alone.
    var rate: Double

    var text: String { "\(ScoreProgress.seconds(seconds)), \(ScoreProgress.rate(rate))" }
}

final class ScoreProgress: Sendable {
    private let title: String
    private let started = ContinuousClock.now
    private let isShown = Atomic<Bool>(false)

    init(_ title: String) { self.title = title }

    func show(_ progress: FileScoringProgress) {
        guard Terminal.isErrorTerminal else { return }
        isShown.store(true, ordering: .relaxed)
        Terminal.writeError("\r\(line(progress))\u{1b}[K")
    }

    private func line(_ progress: FileScoringProgress) -> String {
        let fraction = Double(progress.bytes) / Double(max(1, progress.bytesTotal))
        let marks = Int(fraction * 20)
        let bar = String(repeating: "#", count: marks) + String(repeating: "-", count: 20 - marks)
        let summary = summary(progress)
        var text = "\(title)  [\(bar)]  \(Int(fraction * 100))%  \(progress.rows) rows  \(Self.rate(summary.rate))"
        if progress.rejected > 0 { text += "  \(progress.rejected) rejected" }
        let done = progress.bytes - progress.bytesBefore
        if done > 0 {
            let left = summary.seconds * Double(progress.bytesTotal - progress.bytes) / Double(done)
            text += "  \(Self.clock(left)) left"
        }
        return text
    }

    /// Clears the line.
    func end() {
        if isShown.exchange(false, ordering: .relaxed) { Terminal.writeError("\r\u{1b}[K") }
    }

    func summary(_ progress: FileScoringProgress) -> ScoreSummary {
        let elapsed = (ContinuousClock.now - started).components
        let seconds = Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18
        return ScoreSummary(seconds: seconds, rate: Double(progress.rows - progress.rowsBefore) / max(seconds, 1e-9))
    }

    static func seconds(_ seconds: Double) -> String { "\((seconds * 100).rounded() / 100) s" }

    static func rate(_ rate: Double) -> String {
        rate >= 1e6 ? "\((rate / 1e4).rounded() / 100) M rows/s" : "\(Int(rate)) rows/s"
    }

    /// `1:02:03`, `2:03`.
    static func clock(_ seconds: Double) -> String {
        let whole = Int(min(seconds, 1e7).rounded(.up))
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let (hours, minutes) = (whole / 3600, whole / 60 % 60)
        return hours > 0 ? "\(hours):\(two(minutes)):\(two(whole % 60))" : "\(minutes):\(two(whole % 60))"
    }
}
