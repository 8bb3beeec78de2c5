// Instants as RFC 3339 has them: `2026-01-31T09:00:00Z`, with a fraction or an offset.

enum Instant {
    /// Milliseconds since 1970; nil: no such instant. Leap seconds count as the second before.
    static func millis(_ text: some Collection<UInt8>) -> Int64? {
        var rest = Array(text)[...]
        func digits(_ count: Int) -> Int? {
            guard rest.count >= count, rest.prefix(count).allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count).reduce(0) { $0 * 10 + Int($1 - 0x30) }
        }
        func takes(_ letters: UInt8...) -> Bool {
            guard let first = rest.first, letters.contains(first) else { return false }
            rest = rest.dropFirst()
            return true
        }
        guard let year = digits(4), takes(0x2d), let month = digits(2), takes(0x2d), let day = digits(2),
            takes(0x54, 0x74, 0x20), let hour = digits(2), takes(0x3a), let minute = digits(2), takes(0x3a),
            let second = digits(2), (1...12).contains(month), (1...daysIn(month, year)).contains(day), hour < 24,
            minute < 60, second <= 60
        else { return nil }
        var millis = 0
        if takes(0x2e) {
            var scale = 100
            var count = 0
            while let digit = rest.first, (0x30...0x39).contains(digit), count < 9 {
                millis += Int(digit - 0x30) * scale
                scale /= 10
                count += 1
                rest = rest.dropFirst()
            }
            if count == 0 { return nil }
        }
        var offset = 0
        if !takes(0x5a, 0x7a) {
            guard let sign = rest.first, takes(0x2b, 0x2d), let hours = digits(2), takes(0x3a), let minutes = digits(2),
                hours < 24, minutes < 60
            else { return nil }
            offset = (hours * 60 + minutes) * (sign == 0x2d ? -1 : 1)
        }
        guard rest.isEmpty else { return nil }
        let minutes = (daysSince1970(year, month, day) * 24 + hour) * 60 + minute - offset
        return Int64(minutes * 60 + min(second, 59)) * 1000 + Int64(millis)
    }

    private static func daysIn(_ month: Int, _ year: Int) -> Int {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return month == 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
    }

    /// Of the Gregorian calendar: years begin in March, so that a leap day is their last.
    private static func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = (year / 400, year % 400)
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
