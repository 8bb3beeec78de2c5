// Figures against scikit-learn's (Tests/Fixtures/accuracy.json, made by models/train/accuracy.py).

import Foundation
import FuzzSupport
import Testing

@testable import Monitoring

private let fixture = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/accuracy.json")

private struct Case: Decodable, Sendable, CustomTestStringConvertible {
    struct Money: Decodable {
        var truePositives: Double
        var falsePositives: Double
        var falseNegatives: Double
        var trueNegatives: Double
    }

    struct Figures: Decodable {
        var rocAuc: Double
        var averagePrecision: Double
        var ks: Double
        var brier: Double
        var logLoss: Double
        var calibrationError: Double
        var accuracy: Double
        var precision: Double
        var recall: Double
        var selectionRate: Double
        var approvalRate: Double
        var money: Money
        var moneyPrecision: Double
        var moneyRecall: Double
    }

    var name: String
    var threshold: Double
    var rows: [[Double]]
    var figures: Figures
    var selectionRateRatio: Double
    var truePositiveRateRatio: Double

    var testDescription: String { name }

    var subject: LabelSubject { Labelled.subject(threshold: threshold) }

    var labelled: [LabelRow] {
        rows.enumerated().map { index, row in
            Labelled.row(
                index, score: row[0], decision: row[0] >= threshold ? 1 : 0, label: Int(row[1]), amount: row[2],
                group: UInt8(row[3]), day: 20_000 + index % 3, subject: subject)
        }
    }

    static let all: [Case] = {
        struct Document: Decodable { var cases: [Case] }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        guard let data = try? Data(contentsOf: fixture), let document = try? decoder.decode(Document.self, from: data)
        else { preconditionFailure("\(fixture.path()) is the cases") }
        return document.cases
    }()
}

@Suite struct AccuracyTests {
    private func near(_ value: Double?, _ expected: Double, within: Double = 1e-9) -> Bool {
        value.map { abs($0 - expected) <= within * max(1, abs(expected)) } ?? false
    }

    private func ledger(_ rows: [LabelRow], _ subject: LabelSubject, bins: Int = 4096) -> AccuracyLedger {
        var ledger = AccuracyLedger(armBins: bins, groupBins: bins)
        ledger.learn(subject)
        for row in rows { ledger.add(row) }
        return ledger
    }

    @Test(arguments: Case.all)
    private func figuresAreThoseOfScikitLearn(example: Case) throws {
        let ledger = ledger(example.labelled, example.subject)
        let report = try #require(ledger.report(example.subject.identity, .all, today: 20_002))
        let (found, expected) = (report.total, example.figures)
        #expect(found.labels == example.rows.count)
        #expect(near(found.rocAUC, expected.rocAuc) && found.rocAUCError == 0)
        #expect(near(found.averagePrecision, expected.averagePrecision) && found.averagePrecisionError == 0)
        #expect(near(found.kolmogorovSmirnov, expected.ks) && found.kolmogorovSmirnovError == 0)
        #expect(near(found.brier, expected.brier) && near(found.logLoss, expected.logLoss))
        #expect(near(found.calibrationError, expected.calibrationError))
        #expect(near(found.accuracy, expected.accuracy) && near(found.precision, expected.precision))
        #expect(near(found.recall, expected.recall) && near(found.selectionRate, expected.selectionRate))
        #expect(near(found.approvalRate, expected.approvalRate))
        let money = try #require(found.money)
        #expect(near(money.truePositives, expected.money.truePositives))
        #expect(near(money.falsePositives, expected.money.falsePositives))
        #expect(near(money.falseNegatives, expected.money.falseNegatives))
        #expect(near(money.trueNegatives, expected.money.trueNegatives))
        #expect(near(money.precision, expected.moneyPrecision) && near(money.recall, expected.moneyRecall))
        let group = try #require(report.groups.first)
        #expect(group.feature == "country" && group.values.map(\.value) == ["DE", "FR", "IT", "ES"])
        #expect(near(group.selectionRateRatio, example.selectionRateRatio))
        #expect(near(group.truePositiveRateRatio, example.truePositiveRateRatio))
    }

    /// With few bins the ranks are off by no more than they say, and that is not much.
    @Test(arguments: Case.all, [256, 64])
    private func theErrorIsBounded(example: Case, bins: Int) throws {
        let ledger = ledger(example.labelled, example.subject, bins: bins)
        let found = try #require(ledger.report(example.subject.identity, .all, today: 20_002)).total
        let expected = example.figures
        for (value, error, truth) in [
            (found.rocAUC, found.rocAUCError, expected.rocAuc),
            (found.averagePrecision, found.averagePrecisionError, expected.averagePrecision),
            (found.kolmogorovSmirnov, found.kolmogorovSmirnovError, expected.ks),
        ] {
            let (value, error) = (try #require(value), try #require(error))
            #expect(abs(value - truth) <= error + 1e-12, "\(value) ± \(error), not \(truth)")
            #expect(error < 0.25)
        }
        if example.name != "ties" { #expect(try #require(found.rocAUCError) > 0, "so few bins hold several scores") }
        // What is no matter of ranks is as exact as before.
        #expect(near(found.brier, expected.brier) && near(found.recall, expected.recall))
    }

    @Test func whatIsTakenBackLeavesNothing() {
        var random = SplitMix(seed: 5)
        let subject = Labelled.subject()
        let rows = (0..<3000).map { index in
            let score = Double.random(in: 0...1, using: &random)
            return Labelled.row(
                index, score: score, decision: score >= 0.5 ? 1 : 0, label: index % 7 == 0 ? 1 : 0,
                amount: Double.random(in: 0...1000, using: &random), group: UInt8(index % 4), day: 20_000 + index % 5,
                arm: index % 2 == 0 ? "stable" : "b", isFallback: index % 11 == 0, subject: subject)
        }
        let (kept, others) = (rows.prefix(1000), rows.dropFirst(1000))
        let expected = ledger(Array(kept), subject)
        var ledger = ledger(rows.shuffled(using: &random), subject)
        for row in others.shuffled(using: &random) { ledger.take(row) }
        #expect(ledger == expected, "to the bit")
    }

    /// 32 bits say which version an id is of: where two have the same, neither's labels may be counted.
    @Test func twoSubjectsOfOneIdentityAreTold() {
        let one = Labelled.subject(threshold: 0.019811)
        let other = Labelled.subject(threshold: 0.09018)
        #expect(one.identity == other.identity, "found by trying 90,180 of them")
        var ledger = AccuracyLedger()
        #expect(ledger.learn(one) == nil)
        #expect(ledger.learn(one) == nil)
        #expect(ledger.subject(one.identity) == one)
        #expect(ledger.learn(other) == one)
        #expect(ledger.subject(one.identity) == nil)
        // As when the ledger is made anew.
        var again = AccuracyLedger()
        for subject in ledger.allSubjects { again.learn(subject) }
        #expect(again.subject(one.identity) == nil)
    }

    @Test func armsTiersAndWindows() throws {
        let subject = Labelled.subject()
        let ledger = ledger(
            [
                Labelled.row(1, score: 0.9, decision: 1, label: 1, day: 100),
                Labelled.row(2, score: 0.1, decision: 0, label: 0, day: 100, arm: "canary"),
                Labelled.row(3, score: 0.8, decision: 1, label: 0, day: 95, delayDays: 2),
                Labelled.row(4, score: 0.5, decision: 1, label: 1, day: 100, isFallback: true),
                Labelled.row(5, score: 0.7, decision: 1, label: nil, day: 60),
                Labelled.row(6, score: 0.7, decision: 1, label: 1, day: 40, delayDays: 45),
            ], subject)
        func report(_ window: AccuracyWindow) throws -> AccuracyReport {
            try #require(ledger.report(subject.identity, window, today: 100))
        }
        #expect(try report(.day).total.labels == 2 && report(.week).total.labels == 3)
        #expect(try report(.month).total.labels == 3 && report(.all).total.labels == 4)
        let day = try report(.day)
        #expect(day.arms.map(\.arm) == ["canary", "stable", "stable"])
        #expect(day.arms.map(\.isFallback) == [false, false, true])
        #expect(day.total.rocAUC == 1 && day.total.precision == 1 && day.arms[0].figures.precision == nil)
        #expect(day.arms[0].figures.rocAUC == nil, "one class alone has no ranks")
        let cohorts = ledger.cohorts(subject.identity)
        #expect(cohorts.map(\.day) == [100, 95, 60, 40])
        #expect(cohorts.map(\.delays) == [[3, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 1, 0]])
        #expect(cohorts[2].takenBack == 1 && cohorts[0].positives == 2)
        var shorter = ledger
        shorter.forget(before: 95)
        #expect(shorter.cohorts(subject.identity).map(\.day) == [100, 95])
        #expect(ledger.report(7, .all, today: 100) == nil)
    }

    @Test func scoresThatAreNoProbabilities() throws {
        let subject = Labelled.subject(threshold: 0)
        let rows = [(-2.5, 0), (3.5, 1), (1.0, 0)].enumerated().map { index, pair in
            Labelled.row(
                index, score: pair.0, decision: pair.0 >= 0 ? 1 : 0, label: pair.1, subject: subject)
        }
        let figures = try #require(ledger(rows, subject).report(subject.identity, .all, today: 20_000)).total
        #expect(figures.rocAUC == 1 && figures.brier == nil && figures.logLoss == nil && figures.precision == 0.5)
    }

    @Test func moreThanTwoClasses() throws {
        let subject = Labelled.subject(columns: 3, classes: [])
        #expect(subject.positive == nil)
        let rows = [(0.9, 2, 2), (0.6, 1, 2), (0.8, 0, 0), (0.4, 1, 1)].enumerated().map { index, row in
            Labelled.row(index, score: row.0, decision: row.1, label: row.2, subject: subject)
        }
        let figures = try #require(ledger(rows, subject).report(subject.identity, .all, today: 20_000)).total
        #expect(figures.accuracy == 0.75 && figures.rocAUC == nil && figures.logLoss == nil && figures.precision == nil)
        // Over the score of what was decided: (0.1 + 0.6 + 0.2 + 0.6) / 4.
        #expect(near(figures.calibrationError, 0.375) && near(figures.brier, (0.01 + 0.36 + 0.04 + 0.36) / 4))
    }
}
