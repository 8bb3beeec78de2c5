// How many random models a test makes: all of them, or with SERIN_SHORT a tenth.
//
// The sanitizers run the same code some ten times slower, and find in a tenth of the models what they find in all.

import Foundation

enum SeedCount {
    static let isShort = ProcessInfo.processInfo.environment["SERIN_SHORT"] != nil

    static func of(_ count: UInt64) -> UInt64 { isShort ? max(1, count / 10) : count }
}
