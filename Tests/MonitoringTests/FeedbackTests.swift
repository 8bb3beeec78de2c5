import FuzzSupport
import Testing

@testable import Monitoring

@Suite struct FeedbackTests {
    private func body(_ text: String) throws(FeedbackRefusal) -> FeedbackBody {
        var reader = FeedbackReader(bytesMax: 1 << 20)
        return try reader.read(Array(text.utf8))
    }

    private func refusal(_ text: String) -> String? {
        do throws(FeedbackRefusal) {
            for case .failure(let refusal) in try body(text).entries { throw refusal }
            return nil
        } catch {
            return "\(error.status) \(error.message)"
        }
    }

    @Test func oneAndMany() throws {
        let one = try body(#"{"prediction_id":"AQ","label":1,"time":"2026-01-31T09:00:00Z","revision":2}"#)
        let entry = FeedbackEntry(
            predictionID: Array("AQ".utf8), label: .number(1), time: 1_769_850_000_000, revision: 2)
        let read = try one.entries[0].get()
        #expect(!one.isBatch && read == entry)
        for text in [
            #"[{"prediction_id":"AQ","label":"fraud"},{"label":true,"prediction_id":"BQ"}]"#,
            #"{"feedback":[{"prediction_id":"AQ","label":"fraud"},{"label":true,"prediction_id":"BQ","time":null}]}"#,
        ] {
            let many = try body(text)
            #expect(many.isBatch && many.entries.count == 2)
            #expect(try many.entries[0].get().label == .text("fraud"))
            #expect(try many.entries[1].get() == FeedbackEntry(predictionID: Array("BQ".utf8), label: .flag(true)))
        }
        let back = try body(#"{"prediction_id":"AQ","label":null,"revision":1}"#)
        #expect(try back.entries[0].get().label == nil)
    }

    @Test(arguments: [
        ("", "400 malformed JSON at byte 0"), ("7", "400 request body: expected an object or an array, got a number"),
        ("[]", "400 the body: expected 1 to 4096 labels, got 0"),
        (#"{"feedback":{}}"#, "400 feedback: expected an array, got an object"),
        (#"{"feedback":[{}],"label":1}"#, "400 feedback: expected nothing beside it"),
        (#"{"label":1}"#, "400 prediction_id: expected a string, got nothing"),
        (#"{"prediction_id":7,"label":1}"#, "400 prediction_id: expected a string, got a number"),
        (#"{"prediction_id":"A"}"#, "400 label: expected a class, got nothing"),
        (#"{"prediction_id":"A","label":0.5}"#, "got a number that is no whole one"),
        (#"{"prediction_id":"A","label":[1]}"#, "400 label: expected a class, its name, true or false, got an array"),
        (#"{"prediction_id":"A","label":null}"#, "400 label: null takes a label back, which needs a revision"),
        (#"{"prediction_id":"A","label":1,"revision":-1}"#, "400 revision: expected a whole number from 0"),
        (#"{"prediction_id":"A","label":1,"revision":"2"}"#, "400 revision: expected a whole number from 0"),
        (#"{"prediction_id":"A","label":1,"time":7}"#, "400 time: expected text, got a number"),
        (#"{"prediction_id":"A","label":1,"time":"yesterday"}"#, "400 time: expected an instant such as"),
        (#"{"prediction_id":"A","label":1,"lable":1}"#, "400 an unknown key: expected prediction_id, label"),
        (#"{"prediction_id":"A","label":1,"label":0}"#, "400 label: duplicate key"),
        (#"[{"prediction_id":"A","label":1},7]"#, "400 feedback[1]: expected an object, got a number"),
        (#"[{"prediction_id":"A","label":1},{"label":1}]"#, "400 feedback[1].prediction_id: expected a string"),
    ])
    func whatIsWrongIsNamed(text: String, expected: String) {
        #expect(refusal(text)?.contains(expected) == true, "\(refusal(text) ?? "nothing")")
    }

    @Test func anythingIsReadOrRefused() {
        var rounds = FuzzRounds(3000)
        var random = SplitMix(seed: rounds.seed)
        let label = #"{"prediction_id":"AQ","label":1,"time":"2026-01-31T09:00:00Z","revision":2}"#
        let genuine = Array(#"{"feedback":[\#(label)]}"#.utf8)
        let pieces = [
            "null", "[", "{", "}", #""label":"#, "1e999", #""\u0000""#, ",,", "true", "-9223372036854775809",
        ]
        let bits = pieces.map { Array($0.utf8) }
        var reader = FeedbackReader(bytesMax: 1 << 20)
        var read = 0
        while rounds.next() {
            var text = genuine
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<text.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: text[place] = .random(in: 0...255, using: &random)
                case 1: text.remove(at: place)
                case 2: text.insert(contentsOf: bits.randomElement(using: &random)!, at: place)
                default: text.removeSubrange(place...)
                }
                if text.isEmpty { text = [0x20] }
            }
            do throws(FeedbackRefusal) {
                let body = try reader.read(text)
                #expect(!body.entries.isEmpty)
                read += 1
            } catch {
                #expect(error.status == 400 && !error.message.isEmpty)
            }
        }
        #expect(read > 0, "some are still bodies")
    }

    // MARK: Ids and classes

    private func resolve(
        _ label: FeedbackLabel?, model: String = "fraud", now: Int64 = 1_763_755_300_000, time: Int64? = nil,
        id: [UInt8] = Labelled.id(Labelled.stamp(), [12.34, 2, 1])
    ) -> Result<LabelRow, FeedbackRefusal> {
        let context = FeedbackEntry.Context(
            model: model, keys: PredictionKeys([Labelled.key(1)]), now: now, acceptMillis: 180 * LabelRow.dayMillis,
            armNames: ["stable", "canary"])
        let entry = FeedbackEntry(predictionID: id, label: label, time: time, revision: nil)
        let known = Labelled.subject()
        do throws(FeedbackRefusal) {
            return .success(
                try entry.resolve(context, "", { $0 == known.identity ? known : nil }).row)
        } catch {
            return .failure(error)
        }
    }

    @Test func classesByNumberNameAndTruth() throws {
        for label in [FeedbackLabel.number(1), .text("fraud"), .flag(true)] {
            let row = try resolve(label).get()
            #expect(row.label == 1 && row.arm == "stable" && row.amount == 12.34 && row.receivedAt == 1_763_755_300_000)
        }
        #expect(try resolve(.flag(false)).get().label == 0)
        for label in [FeedbackLabel.number(2), .number(-1), .text("Fraud"), .text("")] {
            let expected = "label: expected a class from 0 to 1, or its name: genuine, fraud"
            #expect(resolve(label) == .failure(FeedbackRefusal(400, expected)))
        }
        let three = Labelled.subject(columns: 3, classes: [])
        #expect(three.classIndex(.number(2)) == 2 && three.classIndex(.flag(true)) == nil)
        #expect(three.expectation == "a class from 0 to 2")
    }

    @Test func idsOfOthers() {
        func status(_ result: Result<LabelRow, FeedbackRefusal>) -> Int? {
            if case .failure(let refusal) = result { refusal.status } else { nil }
        }
        let forged = Labelled.id(Labelled.stamp(Labelled.key(1, 8)), [1, 0, 0])
        #expect(status(resolve(.number(1), id: forged)) == 400)
        #expect(status(resolve(.number(1), id: [])) == 400)
        #expect(status(resolve(.number(1), model: "other")) == 400)
        let stranger = PredictionStamp(Labelled.key(1), identity: 7, amountColumn: nil, groups: [])
        #expect(status(resolve(.number(1), id: Labelled.id(stranger, [1]))) == 404)
        let made: Int64 = 1_763_755_200_123
        let days = 180 * LabelRow.dayMillis
        #expect(status(resolve(.number(1), now: made + days)) == nil)
        #expect(status(resolve(.number(1), now: made + days + 1)) == 410)
        #expect(status(resolve(.number(1), time: made - 300_001)) == 400)
        #expect(status(resolve(.number(1), time: made - 300_000)) == nil)
        #expect(status(resolve(.number(1), time: 1_763_755_600_001)) == 400)
    }

    @Test func revisions() {
        var stored = Labelled.row(1, score: 0.5, decision: 1, label: 1)
        func judge(_ label: Int?, _ revision: Int64?) -> LabelVerdict {
            LabelVerdict.judge(stored, label: label, revision: revision)
        }
        #expect(LabelVerdict.judge(nil, label: 1, revision: nil) == .accepted)
        #expect(judge(1, nil) == .repeated && judge(1, 0) == .repeated)
        #expect(judge(0, nil) == .contradiction && judge(0, 0) == .contradiction)
        #expect(judge(0, 1) == .revised && judge(nil, 1) == .revised && judge(1, 5) == .revised)
        stored.revision = 2
        #expect(judge(1, nil) == .superseded && judge(0, 1) == .superseded)
        #expect(judge(0, 2) == .contradiction && judge(1, 2) == .repeated && judge(nil, 3) == .revised)
    }
}
