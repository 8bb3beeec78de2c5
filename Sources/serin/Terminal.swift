// Text for people: tables on stdout, errors, warnings and progress on stderr.

internal import Glibc

enum Terminal {
    /// One line on stderr, `serin: …`.
    static func printError(_ message: String) { writeError("serin: \(singleLine(message))\n") }

    static func printWarning(_ message: String) { writeError("serin: warning: \(singleLine(message))\n") }

    /// Columns padded to their widest cell; numbers are not aligned, because tables are short.
    static func printTable(_ header: [String], _ rows: [[String]]) {
        let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
        for row in [header] + rows {
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            print(trimmed(cells.joined(separator: "  ")))
        }
    }

    static func writeError(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress!, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }

    static var isErrorTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    private static func singleLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }

    private static func trimmed(_ text: String) -> String {
        String(text.reversed().drop { $0 == " " }.reversed())
    }
}

/// A line on stderr that shows how far a long work is; silent where nobody looks, and for short works.
struct ProgressLine {
    private let title: String
    private let started = ContinuousClock.now
    private var lastPercent = -1

    init(_ title: String) { self.title = title }

    mutating func show(_ fraction: Double) {
        guard Terminal.isErrorTerminal, ContinuousClock.now - started > .milliseconds(300) else { return }
        let percent = Int(min(max(fraction, 0), 1) * 100)
        guard percent != lastPercent else { return }
        lastPercent = percent
        Terminal.writeError("\r\(title) \(percent)%")
    }

    /// Clears the line.
    func end() {
        if lastPercent >= 0 { Terminal.writeError("\r\u{1b}[K") }
    }
}
