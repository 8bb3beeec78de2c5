// When nothing may be raised: weekly hours, or days of the calendar. Lowering is always allowed. All times are UTC.

public enum FreezeWindow: Equatable, Sendable {
    /// Days from 0 (Monday), minutes of the day; to at or before from: past midnight.
    case weekly(days: Set<Int>, from: Int, to: Int)
    /// Seconds since 1970, the last one excluded.
    case dates(from: Int64, to: Int64)

    static let dayNames = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

    /// - Parameter seconds: since 1970, UTC.
    public func holds(at seconds: Int64) -> Bool {
        switch self {
        case .dates(let from, let to): return from <= seconds && seconds < to
        case .weekly(let days, let from, let to):
            let day = Self.floorDivide(seconds, 86_400)
            let minute = Int((seconds - day * 86_400) / 60)
            // 1970 began on a Thursday.
            let weekday = Int(((day + 3) % 7 + 7) % 7)
            if from < to { return days.contains(weekday) && (from..<to).contains(minute) }
            return days.contains(weekday) && minute >= from || days.contains((weekday + 6) % 7) && minute < to
        }
    }

    private static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        value >= 0 ? value / divisor : (value - divisor + 1) / divisor
    }

    /// Minutes of `18:30`; `24:00` too.
    static func minutes(_ text: String) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 && $0.utf8.allSatisfy { 48...57 ~= $0 } }),
            let hour = Int(parts[0]), let minute = Int(parts[1]), minute < 60, hour < 24 || hour == 24 && minute == 0
        else { return nil }
        return hour * 60 + minute
    }

    /// Seconds of `2026-12-24` or `2026-12-24 18:00`.
    static func seconds(_ text: String) -> Int64? {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        let date = (parts.first ?? "").split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count <= 2, date.count == 3, date.map(\.utf8.count) == [4, 2, 2],
            date.allSatisfy({ $0.utf8.allSatisfy { 48...57 ~= $0 } }),
            let year = Int64(date[0]), let month = Int64(date[1]), let day = Int64(date[2]), 1...12 ~= month,
            1...daysOfMonth(month, year) ~= day, let minute = parts.count == 1 ? 0 : minutes(parts[1])
        else { return nil }
        return days(year, month, day) * 86_400 + Int64(minute) * 60
    }

    private static func daysOfMonth(_ month: Int64, _ year: Int64) -> Int64 {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return month == 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
    }

    /// Days since 1970 of a date in the Gregorian calendar: years begin in March, so that the leap day is the last.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = floorDivide(shifted, 400)
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
