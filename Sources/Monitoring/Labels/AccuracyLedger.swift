// All labels added up, so that figures are read without looking at one label again.
//
//     subject (a version and what its ids mean) ─► day of the prediction ─► arm, tier       ─► AccuracyCell
//                                                                      └─► group, its value ─► AccuracyCell
//                                                                      └─► cohort: how late the labels came
//
// A value: the store is the truth, this is made from it at a start and kept in step with it. A window is the sum of its
// days. Memory: a day's arm has 4,096 bins at the most, a value of a group 512; about 100 KB an arm and day where there
// are so many different scores.

public struct AccuracyLedger: Sendable, Equatable {
    struct ArmKey: Hashable, Sendable {
        var arm: String
        var isFallback: Bool
    }

    struct Day: Sendable, Equatable {
        var arms: [ArmKey: AccuracyCell] = [:]
        /// By group, then by code.
        var groups: [[UInt8: AccuracyCell]]
        var cohort: LabelCohort
    }

    struct Book: Sendable, Equatable {
        var subject: LabelSubject
        var days: [Int: Day] = [:]
    }

    public static let armBins = 4096
    public static let groupBins = 512

    private var books: [UInt64: Book] = [:]
    /// Subjects whose identity another one had first, which 32 bits allow.
    private var rivals: [UInt64: LabelSubject] = [:]
    private let armBins: Int
    private let groupBins: Int

    public init() { self.init(armBins: Self.armBins, groupBins: Self.groupBins) }

    init(armBins: Int, groupBins: Int) { (self.armBins, self.groupBins) = (armBins, groupBins) }

    // MARK: Subjects

    /// The other subject that has its identity; nil: there is none, and ids of this one say what they mean.
    @discardableResult
    public mutating func learn(_ subject: LabelSubject) -> LabelSubject? {
        let identity = subject.identity
        guard let known = books[identity]?.subject else {
            books[identity] = Book(subject: subject)
            return nil
        }
        guard known != subject else { return nil }
        rivals[identity] = subject
        return known
    }

    /// nil: there is none, or there are two, and nobody can say whose an id is.
    public func subject(_ identity: UInt64) -> LabelSubject? {
        rivals[identity] == nil ? books[identity]?.subject : nil
    }

    public var allSubjects: [LabelSubject] { books.values.map(\.subject) + rivals.values }

    public func hasLabels(_ identity: UInt64) -> Bool { books[identity]?.days.isEmpty == false }

    /// Those of a model that have labels, by version.
    public func subjects(of model: String) -> [LabelSubject] {
        books.values.filter { $0.subject.model == model && !$0.days.isEmpty }.map(\.subject).sorted {
            ($0.version.utf8.count, $0.version, $0.identity) < ($1.version.utf8.count, $1.version, $1.identity)
        }
    }

    // MARK: Labels

    public mutating func add(_ row: LabelRow) { count(row, isBack: false) }

    /// Takes back what was added.
    public mutating func take(_ row: LabelRow) { count(row, isBack: true) }

    private mutating func count(_ row: LabelRow, isBack: Bool) {
        // The subject alone: a book that is held here would be copied by the change below.
        guard let subject = books[row.identity]?.subject else { return }
        let empty = Day(
            groups: Array(repeating: [:], count: subject.groups.count), cohort: LabelCohort(day: row.day))
        Self.count(row, subject, isBack, armBins, groupBins, &books[row.identity]!.days[row.day, default: empty])
    }

    private static func count(
        _ row: LabelRow, _ subject: LabelSubject, _ isBack: Bool, _ armBins: Int, _ groupBins: Int, _ day: inout Day
    ) {
        day.cohort.count(row, subject, by: isBack ? -1 : 1)
        guard let label = row.label else { return }
        let key = ArmKey(arm: row.arm, isFallback: row.isFallback)
        day.arms[key, default: AccuracyCell(binsMax: armBins)].count(row, label, subject, isBack: isBack)
        if day.arms[key]?.labels == 0 { day.arms[key] = nil }
        // A fallback's decisions are nobody's fault but the fallback's.
        if row.isFallback { return }
        for (index, code) in row.groups.enumerated() where index < day.groups.count {
            day.groups[index][code, default: AccuracyCell(binsMax: groupBins)]
                .count(row, label, subject, isBack: isBack)
            if day.groups[index][code]?.labels == 0 { day.groups[index][code] = nil }
        }
    }

    /// Lets go of the predictions of days before this one.
    public mutating func forget(before day: Int) {
        for identity in books.keys {
            guard let days = books[identity]?.days, days.keys.contains(where: { $0 < day }) else { continue }
            books[identity]?.days = days.filter { $0.key >= day }
        }
    }

    // MARK: Figures

    /// nil: nobody knows the subject. `today`: the last day of the window.
    public func report(_ identity: UInt64, _ window: AccuracyWindow, today: Int) -> AccuracyReport? {
        guard let book = books[identity] else { return nil }
        var arms: [ArmKey: AccuracyCell] = [:]
        var groups = [[UInt8: AccuracyCell]](repeating: [:], count: book.subject.groups.count)
        for (number, day) in book.days where window.days.map({ number >= today - $0 }) ?? true {
            for (key, cell) in day.arms { arms[key, default: AccuracyCell(binsMax: .max)].add(cell) }
            for index in groups.indices {
                for (code, cell) in day.groups[index] {
                    groups[index][code, default: AccuracyCell(binsMax: .max)].add(cell)
                }
            }
        }
        var total = AccuracyCell(binsMax: .max)
        for (key, cell) in arms where !key.isFallback { total.add(cell) }
        let subject = book.subject
        let keys = arms.keys.sorted { ($0.isFallback ? 1 : 0, $0.arm) < ($1.isFallback ? 1 : 0, $1.arm) }
        return AccuracyReport(
            subject: subject, window: window, total: AccuracyFigures(total, subject),
            arms: keys.compactMap { key in
                arms[key].map { .init(arm: key.arm, isFallback: key.isFallback, figures: .init($0, subject)) }
            },
            groups: zip(subject.groups, groups).map { Self.report($0, $1, subject) })
    }

    private static func report(
        _ group: LabelSubject.Group, _ cells: [UInt8: AccuracyCell], _ subject: LabelSubject
    ) -> AccuracyReport.GroupReport {
        let values = cells.keys.sorted().compactMap { code in
            cells[code].map {
                AccuracyReport.GroupReport.Value(value: group.text(code), figures: AccuracyFigures($0, subject))
            }
        }
        func ratio(_ rates: [Double]) -> Double? {
            guard rates.count > 1, let low = rates.min(), let high = rates.max(), high > 0 else { return nil }
            return low / high
        }
        return AccuracyReport.GroupReport(
            feature: group.feature, values: values,
            selectionRateRatio: ratio(values.compactMap(\.figures.selectionRate)),
            truePositiveRateRatio: ratio(values.compactMap(\.figures.recall)))
    }

    /// A subject's labels by the day of their predictions, the newest first.
    public func cohorts(_ identity: UInt64) -> [LabelCohort] {
        (books[identity]?.days.values.map(\.cohort) ?? []).sorted { $0.day > $1.day }
    }
}
