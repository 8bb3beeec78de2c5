// Tables of figures for a terminal.

enum Text {
    static func number(_ value: Double, decimals: Int) -> String {
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let rounded = (value.magnitude * scale).rounded()
        guard rounded < 1e15 else { return "\(value)" }
        let whole = Int(rounded)
        let digits = String(whole / Int(scale))
        var grouped = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { grouped.append(",") }
            grouped.append(digit)
        }
        if decimals > 0 {
            let part = String(whole % Int(scale))
            grouped += "." + String(repeating: "0", count: decimals - part.count) + part
        }
        return value < 0 && whole > 0 ? "-" + grouped : grouped
    }

    /// Nanoseconds with as many digits as mean something.
    static func nanos(_ value: Double) -> String { number(value, decimals: value < 100 ? 1 : 0) }

    static func left(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}

extension ModelReport {
    private static let titleWidth = 26
    private static let cellWidth = 20

    /// The model's table: a row a scorer, a column a batch size, nanoseconds a row.
    var table: String {
        let sizes = figures.map { "\(Text.number(Double($0.rows), decimals: 0)) rows" }
        var lines = [line("\(model.name), ns a row", sizes)]
        lines.append(line("  serin (\(kernels))", figures.map { Text.nanos($0.serin) }))
        let names = figures.flatMap { $0.peers.map(\.name) }.reduce(into: [String]()) { seen, name in
            if !seen.contains(name) { seen.append(name) }
        }
        for name in names {
            let cells = figures.map { figure in
                guard let peer = figure.peers.first(where: { $0.name == name }) else { return "" }
                return Text.nanos(peer.nanos) + (name == figure.best ? " *" : "")
            }
            lines.append(line("  \(name)", cells))
        }
        lines.append(line("  ratio to the best *", figures.map { Text.number($0.ratio.median, decimals: 2) }))
        lines.append(
            line(
                "  95% interval",
                figures.map {
                    "\(Text.number($0.ratio.low, decimals: 2)) to \(Text.number($0.ratio.high, decimals: 2))"
                }))
        lines.append(line("  goal", figures.map { $0.goal.map { "\($0)" } ?? "-" }))
        lines += wrong.map { "  \($0.name) is not compared: \($0.what)" }
        lines += extras.map(line)
        return lines.joined(separator: "\n")
    }

    private func line(_ title: String, _ cells: [String]) -> String {
        Text.left(title, Self.titleWidth) + cells.map { Text.right($0, Self.cellWidth) }.joined()
    }

    private func line(_ extra: Extra) -> String {
        let goal =
            switch extra.limit {
            case .atLeast(let least): ", goal at least \(least)"
            case .atMost(let most): ", goal at most \(most)"
            case nil: ""
            }
        let interval = extra.interval.map {
            " (95% \(Text.number($0.lowerBound, decimals: 2)) to \(Text.number($0.upperBound, decimals: 2)))"
        }
        return "  \(extra.title): \(Text.number(extra.value, decimals: 2)) \(extra.unit)\(interval ?? "")\(goal)"
    }
}
