// The result as JUnit's XML, which CI systems show: a test a budget, a step and a rate.
//
//     broken budget, failed step ─► failure     rate not reached, budget not judged, run interrupted ─► error
//     inconclusive ─► skipped, with its reason

public enum JUnitReport {
    /// - Parameter isStrict: what is inconclusive is a failure.
    public static func encode(_ result: LoadTestResult, isStrict: Bool = false) -> String {
        var cases: [String] = []
        var (failures, errors, skipped) = (0, 0, 0)
        for line in result.budgets {
            switch line.outcome {
            case .pass: cases.append(element("budgets", line.text, nil, output: line.reason))
            case .broken:
                failures += 1
                cases.append(element("budgets", line.text, ("failure", line.reason)))
            case .unjudged:
                errors += 1
                cases.append(element("budgets", line.text, ("error", line.reason)))
            case .inconclusive where isStrict:
                failures += 1
                cases.append(element("budgets", line.text, ("failure", "inconclusive: \(line.reason)")))
            case .inconclusive:
                skipped += 1
                cases.append(element("budgets", line.text, ("skipped", "inconclusive: \(line.reason)")))
            }
        }
        for mark in result.marks {
            if mark.problem != nil { failures += 1 }
            cases.append(
                element("steps", mark.text, mark.problem.map { ("failure", $0) }, seconds: mark.ended - mark.at))
        }
        for line in result.sending {
            if line.problem != nil { errors += 1 }
            cases.append(
                element(
                    "rates", "\(line.trafficClass) in \(line.phase)", line.problem.map { ("error", $0) },
                    output: "\(Text.rate(line.reachedRate)) of \(Text.rate(line.scheduledRate))"))
        }
        if let seconds = result.interruptedAt {
            errors += 1
            let message = "interrupted after \(Text.decimal(seconds, 1)) of \(Text.number(result.seconds)) s"
            cases.append(element("run", result.scenario, ("error", message), seconds: seconds))
        }
        let counts = "tests=\"\(cases.count)\" failures=\"\(failures)\" errors=\"\(errors)\" skipped=\"\(skipped)\""
        let time = Text.decimal(result.seconds, 3)
        return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites \(counts) time=\"\(time)\">\n"
            + "<testsuite name=\"\(escaped(result.scenario))\" \(counts) time=\"\(time)\">\n"
            + cases.joined() + "</testsuite>\n</testsuites>\n"
    }

    private static func element(
        _ group: String, _ name: String, _ problem: (kind: String, message: String)?, output: String? = nil,
        seconds: Double = 0
    ) -> String {
        var text =
            "<testcase classname=\"loadtest.\(group)\" name=\"\(escaped(name))\" time=\"\(Text.decimal(seconds, 3))\">"
        if let problem {
            text +=
                "<\(problem.kind) message=\"\(escaped(problem.message))\">\(escaped(problem.message))</\(problem.kind)>"
        } else if let output {
            text += "<system-out>\(escaped(output))</system-out>"
        }
        return text + "</testcase>\n"
    }

    /// Text for XML: markup escaped, control characters (which XML 1.0 cannot hold) replaced.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default:
                let isAllowed = scalar.value >= 0x20 || scalar == "\n" || scalar == "\t"
                result.unicodeScalars.append(isAllowed && scalar.value & 0xfffe != 0xfffe ? scalar : "\u{fffd}")
            }
        }
        return result
    }
}
