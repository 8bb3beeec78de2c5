import Inference
import Testing

@testable import Codec

@Suite struct DecodeV2Tests {
    @Test func flatAndNestedData() throws {
        let expected: [Double] = [12.5, 3, 1, 0, -1, 4, 0, 2]
        for data in ["[12.5,3,1,0,-1,4,0,2]", "[[12.5,3,1,0],[-1,4,0,2]]"] {
            for type in ["FP32", "FP64"] {
                let request = try decodeV2(body(data: data, rows: 2, type: type))
                #expect(request.values == expected)
                #expect(request.rowCount == 2)
                #expect(request.valueType == (type == "FP32" ? .float32 : .float64))
                #expect(request.dialect == .v2)
                #expect(request.wishes == [.score] && request.binary == [false])
                #expect(request.id == "")
            }
        }
    }

    @Test func membersInAnyOrderUnknownOnesIgnored() throws {
        let request = try decodeV2(
            #"""
            {"outputs":null,"x":{"y":[1,{"z":2}]},"inputs":[{"data":[1,2,0,1],"w":"data","datatype":"FP64",
            "shape":[1,4],"name":"features","parameters":{"k":"v","n":1,"b":true}}],"parameters":{"a":"s","b":1.5,
            "c":false,"timeout":1000,"priority":1,"sequence_id":7},"id":"é\"\u0001"}
            """#)
        #expect(request.values == [1, 2, 0, 1])
        #expect(request.id == "é\"\u{1}")
        #expect(try decodeV2(body(data: "[1,2,0,1]", #""id":null,"parameters":null,"#)).id == "")
        let many = (0..<40).map { "\"k\($0)\":\($0)," }.joined()
        #expect(try decodeV2(body(data: "[1,2,0,1]", many)).rowCount == 1)
    }

    @Test func numbersAreRoundedToFloatForFP32Only() throws {
        let text = "[0.1,16777217,0,0]"
        #expect(try decodeV2(body(data: text)).values[..<2] == [Double(Float(0.1)), 16_777_216])
        #expect(try decodeV2(body(data: text, type: "FP64")).values[..<2] == [0.1, 16_777_217])
        let wide = try decodeV2(body(data: "[18446744073709551615,100000000000000000000,0,0]", type: "FP64"))
        #expect(wide.values[..<2] == [0x1p64, 1e20])
        #expect(try decodeV2(body(data: "[18446744073709551615,0,0,0]")).values[0] == 0x1p64)
    }

    @Test func nullIsMissingAndBooleansStandInBooleanFeatures() throws {
        let request = try decodeV2(body(data: "[null,3,true,null,1,null,false,2]", rows: 2))
        #expect(same(request.values, [.nan, 3, 1, .nan, 1, .nan, 0, 2]))
        let nested = try decodeV2(body(data: "[[1,null,false,0],[null,2,true,null]]", rows: 2))
        #expect(same(nested.values, [1, .nan, 0, 0, .nan, 2, 1, .nan]))
    }

    @Test func integerDatatypes() throws {
        for type in ["INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"] {
            let request = try decodeV2(body(data: "[127,null,true,2]", type: type))
            #expect(same(request.values, [127, .nan, 1, 2]))
            #expect(request.valueType == .float64)
        }
        #expect(try decodeV2(body(data: "[true,0,1,false]", type: "BOOL")).values == [1, 0, 1, 0])
        #expect(try decodeV2(body(data: "[18446744073709551615,0,0,0]", type: "UINT64")).values[0] == 0x1p64)
    }

    static let integerRefusals: [(String, String)] = [
        ("INT8", "128"), ("INT8", "-129"), ("UINT8", "256"), ("UINT8", "-1"), ("INT16", "32768"), ("UINT16", "65536"),
        ("INT32", "2147483648"), ("UINT32", "4294967296"), ("INT64", "9223372036854775808"), ("UINT64", "-1"),
        ("INT32", "1.5"), ("INT32", "1.0"), ("UINT64", "18446744073709551616"),
    ]

    @Test(arguments: integerRefusals)
    func integersOutOfTheirType(_ given: (String, String)) {
        let expected =
            "inputs[0].data[0] (feature 'amount'): expected an integer that \(given.0) can hold, or null, got another number"
        #expect(refusal(body(data: "[\(given.1),0,0,0]", type: given.0)) == expected)
    }

    @Test func outputsAndTheirForm() throws {
        func wishes(_ outputs: String, _ parameters: String = "{}") throws -> ([OutputKind], [Bool]) {
            let envelope = #""parameters":\#(parameters),"outputs":\#(outputs),"#
            let request = try decodeV2(body(data: "[1,2,0,1]", envelope))
            return (request.wishes, request.binary)
        }
        #expect(try wishes("[]") == ([.score], [false]))
        #expect(try wishes("[]", #"{"binary_data_output":true}"#) == ([.score], [true]))
        #expect(try wishes(#"[{"name":"label"},{"name":"margin","x":1}]"#) == ([.label, .margin], [false, false]))
        let mixed = #"[{"name":"score","parameters":{"binary_data":false}},{"name":"label","parameters":null}]"#
        #expect(try wishes(mixed, #"{"binary_data_output":true}"#) == ([.score, .label], [false, true]))
        let binary = #"[{"name":"margin","parameters":{"binary_data":true,"other":[1]}}]"#
        #expect(try wishes(binary) == ([.margin], [true]))
    }

    @Test func aDecoderAndASlotServeManyRequests() throws {
        var decoder = RequestDecoder(maxBytes: 1 << 20)
        var request = InferenceRequest()
        let codec = ModelCodec.test(maxRows: 1000)
        for rows in [1, 900, 3] {
            let row = "1.5,2,0,1"
            let data = "[" + [String](repeating: row, count: rows).joined(separator: ",") + "]"
            let text = Array(body(data: data, rows: rows, #""id":"\#(rows)","#).utf8)
            let decoded = try decode(text, v1: false, codec: codec, &decoder, &request).get()
            #expect(decoded.rowCount == rows && decoded.id == "\(rows)")
            #expect(decoded.values == Array([[Double]](repeating: [1.5, 2, 0, 1], count: rows).joined()))
            let bad = decode(Array("{".utf8), v1: false, codec: codec, &decoder, &request)
            #expect(throws: RequestError.self) { try bad.get() }
        }
    }

    @Test func featurePoliciesApply() throws {
        var features = ModelCodec.features
        features[0].range = 0...10
        features[0].onRange = .clip
        features[1].missing = .value(-1)
        let request = try decodeV2(body(data: "[99,null,0,7]"), codec: .test(features))
        #expect(request.values == [10, -1, 0, 7])
        #expect(request.outOfRange == 1)
    }
}

@Suite struct RefuseV2Tests {
    static let refusals: [(String, String)] = [
        (
            "",
            "malformed JSON at byte 0: expected a value (object, array, string, number, true, false or null), found the end"
        ),
        (
            #"{"inputs":[}"#,
            "malformed JSON at byte 11: expected a value (object, array, string, number, true, false or null)"
        ),
        (
            body(data: "[1,NaN,0,0]"),
            "malformed JSON at byte 72: expected a value: NaN and Infinity are not JSON, null is"
        ),
        ("[1]", "request body: expected an object, got an array"),
        ("{}", "inputs: expected an array of one tensor, got nothing"),
        (#"{"inputs":{}}"#, "inputs: expected an array of one tensor, got an object"),
        (#"{"inputs":[]}"#, "inputs: expected one tensor, got 0"),
        (#"{"inputs":[{},{}]}"#, "inputs: expected one tensor, got 2"),
        (#"{"inputs":[5]}"#, "inputs[0]: expected an object, got a number"),
        (body(data: "[1,2,0,1]", #""id":7,"#), "id: expected a string, got a number"),
        (body(data: "[1,2,0,1]", #""id":"a","id":"b","#), "id: duplicate key"),
        (body(data: "[1,2,0,1]", #""inputs":[],"#), "inputs: duplicate key"),
        (body(data: "[1,2,0,1]", #""outputs":[],"outputs":[],"#), "outputs: duplicate key"),
        (body(data: "[1,2,0,1]", #""parameters":{},"parameters":{},"#), "parameters: duplicate key"),
        (body(data: "[1,2,0,1]", #""x":1,"y":2,"x":3,"#), "x: duplicate key"),
        (body(data: "[1,2,0,1]", #""4111 1111":1,"4111 1111":3,"#), "(a key that is not a plain name): duplicate key"),
        (body(data: "[1,2,0,1]", (0..<40).map { "\"k\($0 % 39)\":0," }.joined()), "k0: duplicate key"),
        // Tensor header.
        (body(#""shape":[1,4],"datatype":"FP32","data":[]"#), "inputs[0].name: expected 'features', got nothing"),
        (
            body(#""name":3,"shape":[1,4],"datatype":"FP32","data":[]"#),
            "inputs[0].name: expected 'features', got a number"
        ),
        (body(#""name":"input","shape":[1,4],"datatype":"FP32""#), "inputs[0].name: expected 'features', got 'input'"),
        (body(#""name":"4111 1111 1111 1111""#), "inputs[0].name: expected 'features', got another name"),
        (body(#""name":"features","shape":[1,4]"#), "inputs[0].datatype: expected \(Datatype.supported), got nothing"),
        (body(data: "[1]", type: "BYTES"), "inputs[0].datatype: expected \(Datatype.supported), got BYTES"),
        (
            body(data: "[1,2,0,1]", type: "FP16"),
            "inputs[0].data: expected FP16 as binary data, with parameters.binary_data_size, got JSON or nothing"
        ),
        (
            body(data: "[1,2,0,1]", type: "BF16"),
            "inputs[0].data: expected BF16 as binary data, with parameters.binary_data_size, got JSON or nothing"
        ),
        (
            body(data: "[1]", type: "float"),
            "inputs[0].datatype: expected \(Datatype.supported), got an unknown datatype"
        ),
        (body(#""name":"features","datatype":"FP32","data":[]"#), "inputs[0].shape: expected [rows, 4], got nothing"),
        (tensor("4"), "inputs[0].shape: expected [rows, 4], got a number"),
        (tensor("[4]"), "inputs[0].shape: expected [rows, 4], got [4]"),
        (tensor("[1,5]"), "inputs[0].shape: expected [rows, 4], got [1, 5]"),
        (tensor("[1,4,1]"), "inputs[0].shape: expected [rows, 4], got [1, 4, 1]"),
        (tensor("[1,4.0]"), "inputs[0].shape: expected [rows, 4], got a number that is not whole among the dimensions"),
        (tensor("[\"1\",4]"), "inputs[0].shape: expected [rows, 4], got a string among the dimensions"),
        (tensor("[1,1,1,1,1,1,1,1,4]"), "inputs[0].shape: expected [rows, 4], got 9 dimensions"),
        (tensor("[0,4]"), "inputs[0].shape: expected 1 to 8 rows (the model's max_rows), got 0"),
        (tensor("[-1,4]"), "inputs[0].shape: expected 1 to 8 rows (the model's max_rows), got -1"),
        (tensor("[9,4]"), "inputs[0].shape: expected 1 to 8 rows (the model's max_rows), got 9"),
        (
            tensor("[9223372036854775807,4]"),
            "inputs[0].shape: expected 1 to 8 rows (the model's max_rows), got a number of 10 digits or more"
        ),
        (body(#""name":"features","name":"features""#), "inputs[0].name: duplicate key"),
        (tensor("[1,4]", #","shape":[1,4]"#), "inputs[0].shape: duplicate key"),
        (tensor("[1,4]", #","datatype":"FP32""#), "inputs[0].datatype: duplicate key"),
        (tensor("[1,4]", #","data":[]"#), "inputs[0].data: duplicate key"),
        (tensor("[1,4]", #","u":1,"u":2"#), "inputs[0].u: duplicate key"),
        (tensor("[1,4]", #","parameters":{},"parameters":{}"#), "inputs[0].parameters: duplicate key"),
        (tensor("[1,4]", #","parameters":[]"#), "inputs[0].parameters: expected an object, got an array"),
        (tensor("[1,4]", #","parameters":{"a":1,"a":1}"#), "inputs[0].parameters.a: duplicate key"),
        (
            tensor("[1,4]", #","parameters":{"shared_memory_region":"r"}"#),
            "inputs[0].parameters.shared_memory_region: not supported"
        ),
        (
            tensor("[1,4]", #","parameters":{"binary_data_size":"16"}"#),
            "inputs[0].parameters.binary_data_size: expected a whole number from 0, got a string"
        ),
        (
            tensor("[1,4]", #","parameters":{"binary_data_size":-1}"#),
            "inputs[0].parameters.binary_data_size: expected a whole number from 0, got another number"
        ),
        (
            tensor("[1,4]", #","parameters":{"binary_data_size":16}"#),
            "inputs[0].parameters.binary_data_size: needs the header Inference-Header-Content-Length"
        ),
        // Data.
        (body(#""name":"features","shape":[1,4],"datatype":"FP32""#), "inputs[0].data: expected an array, got nothing"),
        (body(data: "{}"), "inputs[0].data: expected an array, got an object"),
        (body(data: "[]"), "inputs[0].data: expected 4 values, got 0"),
        (body(data: "[1,2,0]"), "inputs[0].data: expected 4 values, got 3"),
        (body(data: "[1,2,0,1,5]"), "inputs[0].data: expected 4 values, got 5"),
        (body(data: "[[1,2,0],[1,2,0,1]]", rows: 2), "inputs[0].data[0]: expected 4 values, got 3"),
        (body(data: "[[1,2,0,1],[1,2,0,1,9]]", rows: 2), "inputs[0].data[1]: expected 4 values, got 5"),
        (body(data: "[[1,2,0,1]]", rows: 2), "inputs[0].data: expected 2 rows, got 1"),
        (body(data: "[[1,2,0,1],[1,2,0,1],[]]", rows: 2), "inputs[0].data: expected 2 rows, got 3"),
        (
            body(data: "[[1,2,0,1],5]", rows: 2),
            "inputs[0].data[1]: expected an array, as the rows before, got a number"
        ),
        (
            body(data: "[[[1,2,0,1]]]"),
            "inputs[0].data[0][0] (feature 'amount'): expected a number or null, got an array"
        ),
        (
            body(data: #"["12.5",2,0,1]"#),
            "inputs[0].data[0] (feature 'amount'): expected a number or null, got a string"
        ),
        (body(data: "[true,2,0,1]"), "inputs[0].data[0] (feature 'amount'): expected a number or null, got a boolean"),
        (
            body(data: "[1,2,{},1]"),
            "inputs[0].data[2] (feature 'online'): expected true, false, 0, 1 or null, got an object"
        ),
        (
            body(data: #"[1,2,0,"DE"]"#),
            "inputs[0].data[3] (feature 'country'): expected a category's code (its number) or null, got a string"
        ),
        (
            body(data: "[1,2,0,1,1,[2],0,1]", rows: 2),
            "inputs[0].data[5] (feature 'hour'): expected a number or null, got an array"
        ),
        (
            body(data: "[2,0,0,0]", type: "BOOL"),
            "inputs[0].data[0] (feature 'amount'): expected true, false, 0, 1 or null, got another number"
        ),
        (
            body(data: "[1,2,0,1,1e39,2,0,1]", rows: 2),
            "inputs[0].data row 1, feature 'amount': expected a number that FP32 can hold, got a larger one"
        ),
        // Policies.
        (
            body(data: "[1,2.5,0,1]"),
            "inputs[0].data row 0, feature 'hour': expected a whole number, got a fraction"
        ),
        (
            body(data: "[1,2,7,1]"),
            "inputs[0].data row 0, feature 'online': expected a boolean or 0 or 1, got another number"
        ),
        // Parameters and outputs.
        (body(data: "[1,2,0,1]", #""parameters":[],"#), "parameters: expected an object, got an array"),
        (
            body(data: "[1,2,0,1]", #""parameters":{"a":{}},"#),
            "parameters.a: expected a string, a number or a boolean, got an object"
        ),
        (
            body(data: "[1,2,0,1]", #""parameters":{"a":null},"#),
            "parameters.a: expected a string, a number or a boolean, got null"
        ),
        (body(data: "[1,2,0,1]", #""parameters":{"a":1,"a":1},"#), "parameters.a: duplicate key"),
        (
            body(data: "[1,2,0,1]", #""parameters":{"triton_x":1},"#),
            "parameters.triton_x: names in triton_ are reserved"
        ),
        (
            body(data: "[1,2,0,1]", #""parameters":{"binary_data_output":1},"#),
            "parameters.binary_data_output: expected true or false, got a number"
        ),
        (
            body(data: "[1,2,0,1]", #""parameters":{"timeout":-1},"#),
            "parameters.timeout: expected a whole number from 0, got another number"
        ),
        (
            body(data: "[1,2,0,1]", #""parameters":{"priority":"high"},"#),
            "parameters.priority: expected a whole number from 0, got a string"
        ),
        (body(data: "[1,2,0,1]", #""outputs":{},"#), "outputs: expected an array, got an object"),
        (body(data: "[1,2,0,1]", #""outputs":["score"],"#), "outputs[0]: expected an object, got a string"),
        (
            body(data: "[1,2,0,1]", #""outputs":[{}],"#),
            "outputs[0].name: expected 'score', 'margin', 'label' or 'prediction_id', got nothing"
        ),
        (
            body(data: "[1,2,0,1]", #""outputs":[{"name":"score"},{"name":"proba"}],"#),
            "outputs[1].name: expected 'score', 'margin', 'label' or 'prediction_id', got 'proba'"
        ),
        (
            body(data: "[1,2,0,1]", #""outputs":[{"name":"<script>"}],"#),
            "outputs[0].name: expected 'score', 'margin', 'label' or 'prediction_id', got another name"
        ),
        (
            body(data: "[1,2,0,1]", #""outputs":[{"name":"score"},{"name":"score"}],"#),
            "outputs[1].name: this output is asked for twice"
        ),
        (body(data: "[1,2,0,1]", #""outputs":[{"name":"score","name":"score"}],"#), "outputs[0].name: duplicate key"),
        (body(data: "[1,2,0,1]", #""outputs":[{"name":"score","a":1,"a":1}],"#), "outputs[0].a: duplicate key"),
        (
            body(data: "[1,2,0,1]", #""outputs":[{"name":"score","parameters":1}],"#),
            "outputs[0].parameters: expected an object, got a number"
        ),
        (
            body(data: "[1,2,0,1]", #""outputs":[{"name":"score","parameters":{"binary_data":1}}],"#),
            "outputs[0].parameters.binary_data: expected true or false, got a number"
        ),
        (
            body(data: "[1,2,0,1]", #""outputs":[{"name":"score","parameters":{"classification":3}}],"#),
            "outputs[0].parameters.classification: not supported"
        ),
        (
            body(data: "[1,2,0,1]", #""outputs":[{"name":"score","parameters":{"shared_memory_region":"r"}}],"#),
            "outputs[0].parameters.shared_memory_region: not supported"
        ),
    ]

    private static func tensor(_ shape: String, _ rest: String = "") -> String {
        body(#""name":"features","shape":\#(shape),"datatype":"FP32","data":[1,2,0,1]\#(rest)"#)
    }

    @Test(arguments: refusals)
    func saysFieldExpectedAndGot(_ given: (String, String)) {
        #expect(refusal(given.0) == given.1)
    }

    @Test func rejectingPoliciesNameTheBoundsNotTheValue() {
        var features = ModelCodec.features
        features[0].range = 0...100
        features[0].onRange = .reject
        features[3].unknown = .reject
        features[1].missing = .reject
        let codec = ModelCodec.test(features)
        let place = "inputs[0].data row 0, feature "
        #expect(
            refusal(body(data: "[100.5,1,0,0]"), codec: codec)
                == place + "'amount': expected a value from 0.0 to 100.0, got one out of range")
        #expect(
            refusal(body(data: "[1,1,0,3]"), codec: codec)
                == place + "'country': expected one of the feature's categories, got an unknown one")
        #expect(
            refusal(body(data: "[1,null,0,0]"), codec: codec) == place + "'hour': expected a value, got a missing one")
    }
}
