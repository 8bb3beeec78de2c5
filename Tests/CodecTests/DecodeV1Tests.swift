import Inference
import Testing

@testable import Codec

@Suite struct DecodeV1Tests {
    @Test func rowsByName() throws {
        let request = try decodeV1(
            #"""
            {"signature_name":"serving_default","instances":[
            {"amount":12.5,"hour":3,"online":true,"country":"FR"},
            {"country":"a longer category","online":0,"hour":4,"amount":0.1},
            {"hour":null,"country":1},{}]}
            """#)
        let missing = Double.nan
        #expect(
            same(
                request.values,
                [12.5, 3, 1, 1, 0.1, 4, 0, 2, missing, missing, missing, 1, missing, missing, missing, missing]))
        #expect(request.rowCount == 4 && request.valueType == .float64 && request.dialect == .v1Instances)
        #expect(request.wishes == [.score] && request.binary == [false] && request.id == "")
    }

    @Test func rowsByPosition() throws {
        let request = try decodeV1(#"{"instances":[[1,2,false,"DE"],[null,3,1,null],{"amount":9}]}"#)
        let missing = Double.nan
        #expect(same(request.values, [1, 2, 0, 0, missing, 3, 1, missing, 9, missing, missing, missing]))
    }

    @Test func columns() throws {
        let request = try decodeV1(#"{"inputs":{"country":["DE","FR"],"amount":[1,null],"online":[true,0]}}"#)
        #expect(same(request.values, [1, .nan, 1, 0, .nan, .nan, 0, 1]))
        #expect(request.rowCount == 2 && request.dialect == .v1Inputs)
    }

    @Test func unlistedCategoriesByPolicy() throws {
        let text = #"{"instances":[{"country":"XX"},{"country":"DE"}]}"#
        func country(_ unknown: FeatureSpec.Unknown, _ missing: FeatureSpec.Missing = .model) throws -> [Double] {
            let feature = FeatureSpec(
                name: "country", kind: .category, missing: missing, categories: ["DE", "FR"], unknown: unknown)
            return try decodeV1(text, codec: .test([feature])).values
        }
        #expect(same(try country(.model), [.nan, 0]))
        #expect(same(try country(.missing), [.nan, 0]))
        #expect(try country(.model, .value(5)) == [5, 0])
        #expect(throws: RequestError.badRequest("instances[0].country: expected a value, got a missing one")) {
            try country(.model, .reject)
        }
        #expect(
            throws: RequestError.badRequest(
                "instances[0].country: expected one of the feature's categories, got an unknown one")
        ) { try country(.reject) }
    }

    @Test func codesInV1GoByTheUnknownPolicyToo() throws {
        var features = ModelCodec.features
        features[3].unknown = .missing
        #expect(same(try decodeV1(#"{"instances":[[1,2,0,3]]}"#, codec: .test(features)).values, [1, 2, 0, .nan]))
    }

    /// Names and categories that share lengths, prefixes and words; in order, reversed and shuffled.
    @Test func manyFeaturesInAnyOrder() throws {
        let categories = (0..<300).map { "category-\($0)" } + ["", "é", "\"\\\n"]
        let features = (0..<100).map { FeatureSpec(name: "feature_\($0)", kind: .category, categories: categories) }
        let codec = ModelCodec.test(features)
        let codes = (0..<100).map { ($0 * 37) % categories.count }
        for order in [Array(0..<100), (0..<100).reversed(), (0..<100).shuffled()] {
            let members = order.map { "\"feature_\($0)\":\(quoted(categories[codes[$0]]))" }
            let text = #"{"instances":[{\#(members.joined(separator: ","))}]}"#
            #expect(try decodeV1(text, codec: codec).values == codes.map(Double.init))
        }
    }

    private func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n") + "\""
    }

    @Test func aKeyLeftOutInOneRowIsNotTakenFromTheRowBefore() throws {
        var decoder = RequestDecoder(maxBytes: 1 << 20)
        var request = InferenceRequest()
        let codec = ModelCodec.test()
        for _ in 0..<3 {
            let full = #"{"instances":[{"amount":1,"hour":2,"online":1,"country":"FR"},{"hour":5}]}"#
            let values = try decode(Array(full.utf8), v1: true, codec: codec, &decoder, &request).get().values
            #expect(same(values, [1, 2, 1, 1, .nan, 5, .nan, .nan]))
        }
    }

    static let refusals: [(String, String)] = [
        ("[]", "request body: expected an object, got an array"),
        ("{}", "request body: expected instances or inputs, got neither"),
        (#"{"instances":[[1,2,0,0]],"inputs":{}}"#, "request body: expected instances or inputs, got both"),
        (#"{"instances":[],"instances":[]}"#, "instances: duplicate key"),
        (#"{"inputs":{},"inputs":{}}"#, "inputs: duplicate key"),
        (#"{"signature_name":"a","signature_name":"b"}"#, "signature_name: duplicate key"),
        (#"{"instance":[]}"#, "instance: unknown key; expected instances, inputs or signature_name"),
        (
            #"{"4111 1111":[]}"#,
            "(a key that is not a plain name): unknown key; expected instances, inputs or signature_name"
        ),
        (#"{"instances":{}}"#, "instances: expected an array of rows, got an object"),
        (#"{"instances":[]}"#, "instances: expected 1 to 8 rows (the model's max_rows), got 0"),
        (
            #"{"instances":[{},{},{},{},{},{},{},{},{}]}"#,
            "instances: expected 1 to 8 rows (the model's max_rows), got 9"
        ),
        (#"{"instances":[{},5]}"#, "instances[1]: expected an object or an array, got a number"),
        (#"{"instances":[{},{"amuont":5}]}"#, "instances[1].amuont: unknown feature"),
        (#"{"instances":[{"x y":5}]}"#, "instances[0].(a key that is not a plain name): unknown feature"),
        (#"{"instances":[{"amount":1,"amount":1}]}"#, "instances[0].amount: duplicate key"),
        (#"{"instances":[{"hour":1,"amount":1,"hour":1}]}"#, "instances[0].hour: duplicate key"),
        (#"{"instances":[{"amount":"12.5"}]}"#, "instances[0].amount: expected a number or null, got a string"),
        (#"{"instances":[{"amount":true}]}"#, "instances[0].amount: expected a number or null, got a boolean"),
        (#"{"instances":[{"amount":[1]}]}"#, "instances[0].amount: expected a number or null, got an array"),
        (
            #"{"instances":[{"online":"yes"}]}"#,
            "instances[0].online: expected true, false, 0, 1 or null, got a string"
        ),
        (
            #"{"instances":[{"online":2}]}"#,
            "instances[0].online: expected a boolean or 0 or 1, got another number"
        ),
        (#"{"instances":[{"hour":1.5}]}"#, "instances[0].hour: expected a whole number, got a fraction"),
        (
            #"{"instances":[{"country":{}}]}"#,
            "instances[0].country: expected a category's string, its code or null, got an object"
        ),
        (#"{"instances":[[1,2,0]]}"#, "instances[0]: expected 4 values, got 3"),
        (#"{"instances":[[1,2,0,0],[1,2,0,0,0]]}"#, "instances[1]: expected 4 values, got 5"),
        (#"{"instances":[[1,2,0,0],["x",2,0,0]]}"#, "instances[1].amount: expected a number or null, got a string"),
        (#"{"inputs":[[1,2,0,0]]}"#, "inputs: expected an object of columns by feature name, got an array"),
        (#"{"inputs":{}}"#, "inputs: expected at least one column, got none"),
        (#"{"inputs":{"amount":5}}"#, "inputs.amount: expected an array, one value a row, got a number"),
        (#"{"inputs":{"amount":[]}}"#, "inputs: expected 1 to 8 rows (the model's max_rows), got 0"),
        (#"{"inputs":{"amount":[1,2],"hour":[1]}}"#, "inputs.hour: expected 2 values, got 1"),
        (#"{"inputs":{"amount":[1,2],"hour":[1,2,3]}}"#, "inputs.hour: expected 2 values, got 3"),
        (#"{"inputs":{"amount":[1],"amount":[1]}}"#, "inputs.amount: duplicate key"),
        (#"{"inputs":{"amount":[1],"x":[1]}}"#, "inputs.x: unknown feature"),
        (#"{"inputs":{"amount":[1,"2"]}}"#, "inputs.amount[1]: expected a number or null, got a string"),
        (#"{"inputs":{"hour":[1,2.5]}}"#, "inputs.hour[1]: expected a whole number, got a fraction"),
        (
            #"{"instances":[{"amount":NaN}]}"#,
            "malformed JSON at byte 24: expected a value: NaN and Infinity are not JSON, null is"
        ),
    ]

    @Test(arguments: refusals)
    func saysFieldExpectedAndGot(_ given: (String, String)) {
        #expect(refusal(given.0, v1: true) == given.1)
    }
}
