// Names that are not used here, each with what to use instead.

import Testing

@Suite struct BannedNamesTests {
    struct Ban: Sendable, CustomTestStringConvertible {
        /// As it stands in code, comments and strings left out.
        var name: String
        var instead: String
        /// Whether a module may use it all the same.
        var isAllowed: @Sendable (TextFile, Substring) -> Bool = { _, _ in false }

        var testDescription: String { name }
    }

    static let bans = [
        Ban(name: "try!", instead: "a typed error; a trap takes every request of the process with it"),
        Ban(name: "as!", instead: "as? and an error"),
        Ban(
            name: "fatalError(", instead: "precondition for our own bugs, an error for the world",
            isAllowed: { _, line in line.contains("fatalError(\"out of memory") }),
        Ban(name: "assertionFailure(", instead: "preconditionFailure, which release builds keep"),
        Ban(
            name: "print(", instead: "the log, or a value that serin prints",
            isAllowed: { file, _ in file.module == "serin" }),
        Ban(name: "NSLock", instead: "Mutex"),
        Ban(name: "DispatchQueue", instead: "a reactor, or Swift concurrency in the control plane"),
        Ban(
            name: "usleep(", instead: "the timer wheel",
            isAllowed: { file, _ in !ModuleDiagram.dataPlane.contains(file.module ?? "") }),
        Ban(name: "@_implementationOnly", instead: "internal import"),
        Ban(name: "Unmanaged.fromOpaque", instead: "a pointer to a ~Copyable struct as the callback's context"),
        Ban(name: "gettimeofday(", instead: "clinux_now"),
    ]

    @Test(arguments: bans)
    func isNotUsed(ban: Ban) {
        for file in Repository.swiftSources {
            for (number, line) in Self.uses(of: ban.name, in: file) {
                #expect(
                    ban.isAllowed(file, line), "\(file.path):\(number): \(ban.name) is banned; use \(ban.instead)")
            }
        }
    }

    /// Lines whose code holds `name`, not as the end of a longer name; the line is given as written.
    static func uses(of name: String, in file: TextFile) -> [(Int, Substring)] {
        let written = file.lines
        var uses: [(Int, Substring)] = []
        for (index, line) in file.code.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            for range in line.ranges(of: name) {
                let before = line[..<range.lowerBound].last
                if let before, before.isLetter || before.isNumber || before == "_" || before == "." { continue }
                uses.append((index + 1, written[index]))
            }
        }
        return uses
    }

    @Test func usesAreFoundInCodeOnly() {
        let text = "let a = try! f()\n// try! g()\nlet b = \"try!\"\nfingerprint(1)\nlog.print(2)\nprint(3)"
        let file = TextFile(path: "Sources/HTTP/A.swift", text: text)
        #expect(Self.uses(of: "try!", in: file).map(\.0) == [1])
        #expect(Self.uses(of: "print(", in: file).map(\.0) == [6])
    }

    @Test func uncheckedSendableStatesItsArgument() {
        for file in Repository.swiftSources where file.code.contains("@unchecked Sendable") {
            #expect(
                file.text.contains("SAFETY:"), "\(file.path): say after // SAFETY: who writes, who reads, in what order"
            )
        }
    }

    @Test func whatIsLeftToDoSaysWhy() throws {
        let reasoned = try Regex(#"TODO\([^)]+\): \S.{9,}"#)
        // Spelled in two parts: this file is searched too.
        let marks = ["TO" + "DO", "FIX" + "ME", "XX" + "X:", "HA" + "CK:"]
        for file in Repository.files where file.path != "Tests/TidyTests/BannedNamesTests.swift" {
            for (number, line) in file.lines.enumerated() where marks.contains(where: { line.contains($0) }) {
                #expect(
                    line.firstMatch(of: reasoned) != nil,
                    "\(file.path):\(number + 1): finish it, or write what is missing and why in parentheses")
            }
        }
    }

    @Test func noPathsOfADevelopersMachine() {
        let roots = ["/" + "work/", "/" + "root/", "/" + "home/", "/" + "Users/"]
        for file in Repository.files {
            for (number, line) in file.lines.enumerated() {
                for root in roots {
                    #expect(!line.contains(root), "\(file.path):\(number + 1): a path of one machine (\(root))")
                }
            }
        }
    }
}
