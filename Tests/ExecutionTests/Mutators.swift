// Mutations that know a format: numbers become interesting numbers, counts lie, parts are dropped,
// doubled and swapped.  Plain byte flips mostly die in the first line of a parser; these get far.

enum Mutators {
    static let numbers = [
        "-1", "0", "1", "2", "3", "7", "-0", "31", "32", "255", "65535", "65536", "100000", "16777216", "2147483647",
        "-2147483648", "4294967295", "9223372036854775807", "-9223372036854775808", "18446744073709551616", "1e30",
        "1e39", "1e308", "1e999", "-1e-320", "0.5", "NaN", "nan", "inf", "-inf", "Infinity", "0x10", "", "1.5.2",
        "null",
    ]

    /// A LightGBM model: words and lines.
    static func text(_ file: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var lines = file.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { Array($0) }
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let line = Int.random(in: 0..<lines.count, using: &random)
            switch Int.random(in: 0...7, using: &random) {
            case 0: lines.remove(at: line)
            case 1: lines.insert(lines[line], at: Int.random(in: 0...lines.count, using: &random))
            case 2: lines.swapAt(line, Int.random(in: 0..<lines.count, using: &random))
            case 3: lines = Array(lines[0...line])
            default: lines[line] = word(lines[line], &random)
            }
            if lines.isEmpty { lines = [[]] }
        }
        let joined = Array(lines.joined(separator: [UInt8(ascii: "\n")]))
        return random.chance(0.1) ? bytes(joined, &random) : joined
    }

    /// A line with one of its words replaced, dropped or doubled.
    private static func word(_ line: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        let start = line.firstIndex(of: UInt8(ascii: "=")).map { $0 + 1 } ?? 0
        var words = line[start...].split(separator: UInt8(ascii: " ")).map { Array($0) }
        guard !words.isEmpty else { return line + Array(numbers.randomElement(using: &random)!.utf8) }
        let place = Int.random(in: 0..<words.count, using: &random)
        switch Int.random(in: 0...4, using: &random) {
        case 0: words.remove(at: place)
        case 1: words.insert(words[place], at: place)
        case 2: words[place] = words.randomElement(using: &random)!
        default: words[place] = Array(numbers.randomElement(using: &random)!.utf8)
        }
        return Array(line[..<start]) + words.joined(separator: [UInt8(ascii: " ")])
    }

    /// A JSON model: numbers, keys and brackets.
    static func json(_ file: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var file = file
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            guard !file.isEmpty else { return file }
            let start = Int.random(in: 0..<file.count, using: &random)
            switch Int.random(in: 0...9, using: &random) {
            case 0: file = bytes(file, &random)
            case 1:
                let nested = [UInt8](repeating: UInt8(ascii: "["), count: Int.random(in: 1...200, using: &random))
                file.insert(contentsOf: nested, at: start)
            case 2: file = Array(file[..<start])
            case 3: file = dropMember(file, from: start)
            default: file = replaceNumber(file, from: start, &random)
            }
        }
        return file
    }

    /// A CatBoost model: keys of tables, numbers moved from one place to another, words of its own.
    static func catboost(_ file: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var file = file
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            guard file.count > 100 else { return file }
            let start = Int.random(in: 0..<file.count - 50, using: &random)
            switch Int.random(in: 0...7, using: &random) {
            case 0: file = replaceKey(file, from: start, &random)
            case 1, 2: file = moveNumber(file, from: start, to: Int.random(in: 0..<file.count, using: &random))
            case 3, 4: file = replaceWord(file, &random)
            default: file = json(file, &random)
            }
        }
        return file
    }

    private static let words = [
        "FloatFeature", "OneHotFeature", "OnlineCtr", "EstimatedFeature", "Borders", "Buckets", "Counter",
        "FeatureFreq",
        "BinarizedTargetMeanValue", "FloatTargetMeanValue", "AsIs", "AsFalse", "AsTrue", "true", "false", "MultiClass",
        "Logloss", "RMSE", "RMSEWithUncertainty", "Poisson", "cat_feature_value", "float_feature",
        "cat_feature_exact_value", "oblivious_trees", "trees", "leaf_values", "leaf_weights", "splits", "left", "right",
        "hash_map", "values", "borders", "class_params", "scale_and_bias", "ctr_data",
    ]

    /// One of the format's own words for another, wherever it stands first.
    private static func replaceWord(_ file: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        let old = Array(words.randomElement(using: &random)!.utf8)
        let new = Array(words.randomElement(using: &random)!.utf8)
        guard let range = file.firstRange(of: old) else { return file }
        return Array(file[..<range.lowerBound] + new + file[range.upperBound...])
    }

    /// A number in quotes, as keys of tables are.
    private static func replaceKey(_ file: [UInt8], from start: Int, _ random: inout SeededGenerator) -> [UInt8] {
        guard
            let quote = file.indices.dropFirst(start).first(where: { place in
                file[place] == UInt8(ascii: "\"") && place + 1 < file.count && (48...57).contains(file[place + 1])
            })
        else { return file }
        return replaceNumber(file, from: quote, &random)
    }

    /// The number behind one place in place of the number behind another.
    private static func moveNumber(_ file: [UInt8], from start: Int, to end: Int) -> [UInt8] {
        func range(_ place: Int) -> Range<Int>? {
            guard let first = file[place...].firstIndex(where: { (48...57).contains($0) }) else { return nil }
            return first..<(file[first...].firstIndex { !isNumber($0) } ?? file.count)
        }
        guard let source = range(start), let target = range(end) else { return file }
        return Array(file[..<target.lowerBound] + file[source] + file[target.upperBound...])
    }

    private static func isNumber(_ byte: UInt8) -> Bool { "+-.eE0123456789".utf8.contains(byte) }

    private static func replaceNumber(_ file: [UInt8], from start: Int, _ random: inout SeededGenerator) -> [UInt8] {
        guard let first = file[start...].firstIndex(where: { (48...57).contains($0) }) else { return file }
        var begin = first
        while begin > 0, isNumber(file[begin - 1]) { begin -= 1 }
        let end = file[first...].firstIndex { !isNumber($0) } ?? file.count
        return Array(file[..<begin]) + Array(numbers.randomElement(using: &random)!.utf8) + Array(file[end...])
    }

    /// Without what stands between one comma and the next.
    private static func dropMember(_ file: [UInt8], from start: Int) -> [UInt8] {
        guard let first = file[start...].firstIndex(of: UInt8(ascii: ",")),
            let second = file[(first + 1)...].firstIndex(of: UInt8(ascii: ","))
        else { return file }
        return Array(file[..<first] + file[second...])
    }

    /// A UBJSON model: counts, markers, elements of its arrays.
    static func ubjson(_ file: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var file = file
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            guard file.count > 16 else { return file }
            let start = Int.random(in: 0..<file.count, using: &random)
            switch Int.random(in: 0...7, using: &random) {
            case 0: file = bytes(file, &random)
            case 1: file = Array(file[..<start])
            case 2:
                let nested = [UInt8](repeating: UInt8(ascii: "["), count: Int.random(in: 1...200, using: &random))
                file.insert(contentsOf: nested, at: start)
            case 3:  // a length
                guard let place = file[start...].firstIndex(of: UInt8(ascii: "L")), place + 9 <= file.count else {
                    continue
                }
                overwrite(&file, place + 1, 8, &random)
            case 4:  // a marker
                guard let place = file[start...].firstIndex(where: { "SLlIiUdD$#[]{}TFZCH".utf8.contains($0) }) else {
                    continue
                }
                file[place] = "SLlIiUdD$#[]{}TFZCH".utf8.randomElement(using: &random)!
            default:  // an element of a typed array
                guard let place = file[start...].firstIndex(of: UInt8(ascii: "$")), place + 16 < file.count else {
                    continue
                }
                let element = place + 12 + 4 * Int.random(in: 0...15, using: &random)
                if element + 4 <= file.count { overwrite(&file, element, 4, &random) }
            }
        }
        return file
    }

    /// A big-endian number that somebody may have forgotten about.
    private static func overwrite(_ file: inout [UInt8], _ place: Int, _ count: Int, _ random: inout SeededGenerator) {
        let values: [Int64] = [
            0, 1, 2, -1, 5, 127, 255, 65_536, 1 << 24, 1 << 31, (1 << 31) - 1, 1 << 40, .max, .min, 0x7FC0_0000,
            0x7F80_0000,
        ]
        let value = UInt64(bitPattern: values.randomElement(using: &random)!)
        for index in 0..<count {
            file[place + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * (count - 1 - index)))
        }
    }

    /// Flips, drops or inserts a few bytes.
    static func bytes(_ file: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var file = file
        for _ in 0..<Int.random(in: 1...4, using: &random) where !file.isEmpty {
            let place = Int.random(in: 0..<file.count, using: &random)
            switch Int.random(in: 0...2, using: &random) {
            case 0: file[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
            case 1: file.remove(at: place)
            default: file.insert(UInt8.random(in: 0...255, using: &random), at: place)
            }
        }
        return file
    }
}
