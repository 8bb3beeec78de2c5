// Ratchets on length: a limit for all, and a list of who is above it, which may only get shorter.

import Testing

@Suite struct LengthTests {
    static let fileLinesMax = 500
    static let functionLinesMax = 70
    /// Files above the limit, with the length they must not pass.
    static let longFiles: [String: Int] = [:]
    /// Functions above the limit: `path: signature's first line`, with the length they must not pass.
    static let longFunctions: [String: Int] = [:]

    static let sourceExtensions = [".swift", ".c", ".cpp", ".h", ".py"]

    @Test func filesFitTheirLimit() {
        var stale = Set(Self.longFiles.keys)
        for file in Repository.files where Self.sourceExtensions.contains(where: file.path.hasSuffix) {
            let lineCount = file.lines.count - 1
            let limit = Self.longFiles[file.path] ?? Self.fileLinesMax
            #expect(lineCount <= limit, "\(file.path) has \(lineCount) lines: split it by aspect (Type+Aspect)")
            if lineCount > Self.fileLinesMax { stale.remove(file.path) }
        }
        #expect(stale == [], "no longer above the limit: take them off the list")
    }

    @Test func functionsFitAScreen() {
        var stale = Set(Self.longFunctions.keys)
        for file in Repository.files where file.path.hasSuffix(".swift") {
            for function in SwiftCode.functions(in: file.code) where function.lineCount > Self.functionLinesMax {
                let key = "\(file.path): \(function.name)"
                stale.remove(key)
                let limit = Self.longFunctions[key] ?? Self.functionLinesMax
                #expect(
                    function.lineCount <= limit,
                    "\(file.path):\(function.line) is \(function.lineCount) lines: move pure leaves out of it")
            }
        }
        #expect(stale == [], "no longer above the limit: take them off the list")
    }
}
