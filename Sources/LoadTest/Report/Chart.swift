// What the page's charts share: a frame, axes and lines, as SVG.

internal import Glibc

struct Chart {
    static let colors = ["#2563eb", "#d9480f", "#0f8a5f", "#9333ea", "#b45309", "#0891b2", "#be185d", "#4b5563"]
    static let (width, height) = (1020.0, 304.0)
    static let (left, right, top, bottom) = (72.0, 34.0, 14.0, 34.0)
    /// Between an upright axis and its labels: a mark's circle at the very beginning touches none.
    static let (labelGap, markRadius) = (14.0, 9.0)

    /// Nanoseconds at the bottom and at the top, on a logarithmic axis.
    let low: Double
    let high: Double
    private(set) var content = ""
    private var legends = ""
    /// Phases' names: above the curves, with a rim that keeps them readable there.
    private var names = ""
    private var lastMark: (x: Double, row: Double) = (-.infinity, 0)

    /// An axis of times that holds all values, by whole decades or halves of them.
    init(times: [Double]) {
        let positive = times.filter { $0 > 0 }
        low = Self.nice(positive.min() ?? 1e5, up: false)
        high = max(Self.nice(positive.max() ?? 1e6, up: true), low * 2)
        for tick in ticks() {
            let y = y(tick)
            content +=
                "<line x1=\"\(Self.left)\" x2=\"\(Self.width - Self.right)\" y1=\"\(n(y))\" y2=\"\(n(y))\" stroke=\"#e6e9ef\"/>"
                + "<text x=\"\(Self.left - Self.labelGap)\" y=\"\(n(y + 4))\" text-anchor=\"end\">\(Text.time(tick))</text>"
        }
    }

    /// An axis from 0 to `most` of anything.
    init(most: Double) {
        (low, high) = (0, max(most, 1) * 1.1)
        let step = Self.nice(high / 5, up: true)
        for tick in stride(from: 0, through: high, by: step) {
            let y = y(tick)
            content +=
                "<line x1=\"\(Self.left)\" x2=\"\(Self.width - Self.right)\" y1=\"\(n(y))\" y2=\"\(n(y))\" stroke=\"#e6e9ef\"/>"
                + "<text x=\"\(Self.left - Self.labelGap)\" y=\"\(n(y + 4))\" text-anchor=\"end\">\(Text.rate(tick))</text>"
        }
    }

    /// 1, 2 or 5 times a power of ten.
    static func nice(_ value: Double, up: Bool) -> Double {
        let power = pow(10, log10(max(value, 1e-9)).rounded(.down))
        let steps = [1.0, 2, 5, 10]
        return (up ? steps.first { $0 * power >= value * 0.999 } : steps.last { $0 * power <= value * 1.001 }).map {
            $0 * power
        } ?? value
    }

    private func ticks() -> [Double] {
        var (ticks, power): ([Double], Double) = ([], pow(10, log10(low).rounded(.down)))
        while power <= high * 1.001 {
            for step in [1.0, 2, 5] where step * power >= low * 0.999 && step * power <= high * 1.001 {
                ticks.append(step * power)
            }
            power *= 10
        }
        // Decades alone where there would be too many.
        return ticks.count > 12 ? ticks.filter { abs(log10($0) - log10($0).rounded()) < 0.01 } : ticks
    }

    func y(_ value: Double) -> Double {
        let share =
            low > 0
            ? log(max(min(value, high), low) / low) / log(high / low) : max(0, min(value, high)) / high
        return Self.height - Self.bottom - share * (Self.height - Self.bottom - Self.top)
    }

    /// The place of a share of the axis.
    static func x(_ share: Double) -> Double { left + min(max(share, 0), 1) * (width - left - right) }

    private func n(_ value: Double) -> String { Text.decimal(value, 1) }

    mutating func label(_ text: String, at share: Double) {
        let x = Self.x(share)
        content +=
            "<line x1=\"\(n(x))\" x2=\"\(n(x))\" y1=\"\(Self.height - Self.bottom)\" y2=\"\(Self.height - Self.bottom + 5)\" "
            + "stroke=\"#b8c0cc\"/><text x=\"\(n(x))\" y=\"\(Self.height - Self.bottom + 19)\" text-anchor=\"middle\">"
            + "\(JUnitReport.escaped(text))</text>"
    }

    /// A line through points (share of the axis, value); a nil begins a new one.
    mutating func line(_ points: [(Double, Double)?], color: String, width: Double = 1.8, dash: String = "") {
        var path = ""
        var isDown = false
        for point in points {
            guard let point else {
                isDown = false
                continue
            }
            path += "\(isDown ? "L" : "M")\(n(Self.x(point.0))) \(n(y(point.1)))"
            isDown = true
        }
        content +=
            "<path d=\"\(path)\" fill=\"none\" stroke=\"\(color)\" stroke-width=\"\(width)\" stroke-linejoin=\"round\""
            + (dash.isEmpty ? "" : " stroke-dasharray=\"\(dash)\"") + "/>"
    }

    /// What a line is: HTML above the picture, which wraps where the page is narrow.
    mutating func legend(_ text: String, color: String, dash: String = "") {
        legends +=
            "<span><i style=\"border-top:3px \(dash.isEmpty ? "solid" : "dashed") \(color)\"></i>"
            + "\(JUnitReport.escaped(text))</span> "
    }

    /// An upright line with a number, for something that happened; numbers that would cover each other go below each other.
    mutating func mark(_ number: Int, at share: Double, title: String, isProblem: Bool) {
        let x = Self.x(share)
        let color = isProblem ? "#b91c1c" : "#475569"
        lastMark = (x, x - lastMark.x < 2.2 * Self.markRadius ? lastMark.row + 1 : 0)
        let y = Self.top + lastMark.row * 2.2 * Self.markRadius
        content +=
            "<g class=\"mark\"><title>\(JUnitReport.escaped(title))</title><line x1=\"\(n(x))\" x2=\"\(n(x))\" "
            + "y1=\"\(Self.top)\" y2=\"\(Self.height - Self.bottom)\" stroke=\"\(color)\" stroke-dasharray=\"4 3\"/>"
            + "<circle cx=\"\(n(x))\" cy=\"\(n(y))\" r=\"\(Self.markRadius)\" fill=\"\(color)\"/><text x=\"\(n(x))\" "
            + "y=\"\(n(y + 4))\" text-anchor=\"middle\" style=\"fill:#fff\">\(number)</text></g>"
    }

    mutating func boundary(_ text: String, at share: Double) {
        let x = Self.x(share)
        // To the left of its line where the page would end in it.
        let isLast = x + Double(text.count) * 8 > Self.width
        content +=
            "<line x1=\"\(n(x))\" x2=\"\(n(x))\" y1=\"\(Self.top)\" y2=\"\(Self.height - Self.bottom)\" stroke=\"#cbd2dc\"/>"
        names +=
            "<text class=\"phase\" x=\"\(n(isLast ? x - 4 : x + 4))\" y=\"\(Self.height - Self.bottom - 6)\""
            + "\(isLast ? " text-anchor=\"end\"" : "")>\(JUnitReport.escaped(text))</text>"
    }

    /// The picture below its legend; it keeps a size that can be read, and is scrolled where the page is narrower.
    func svg(_ title: String) -> String {
        "<p class=\"legend\">\(legends)</p><div class=\"wide\">"
            + "<svg viewBox=\"0 0 \(Int(Self.width)) \(Int(Self.height))\" role=\"img\" "
            + "aria-label=\"\(JUnitReport.escaped(title))\">\(content)\(names)</svg></div>"
    }
}
