import ModelFormat
import Testing

@Suite struct FormatDetectionTests {
    @Test(arguments: [
        ("tree\nversion=v4\n", ModelFileFormat.lightgbm), ("tree\r\nversion=v4\r\n", .lightgbm),
        ("{\"learner\":{}}", .xgboostJSON), (" \n{ \"learner\":{}}", .xgboostJSON),
        ("{\"version\":[3]}", .xgboostJSON), ("{\n\"features_info\": {}}", .catboost), ("{\"ctr_data\":{}}", .catboost),
        ("{L\0\0\0\0\0\0\0\u{7}learner{", .xgboostUBJSON), ("\u{8}\u{A}\u{12}\u{8}skl2onnx", .onnx),
        ("\u{8}\u{3}:\u{1}", .onnx),
    ])
    func aFileIsKnownByItsFirstBytes(text: String, format: ModelFileFormat) {
        #expect(ModelImporter.detectFormat(Array(text.utf8)) == format)
    }

    @Test(arguments: ["", "tree", "{", "<xml>", "PK\u{3}\u{4}", "\u{8}\u{A}\u{7}", "\u{8}\u{A}", "[1,2]"])
    func anythingElseIsNoModel(text: String) {
        #expect(ModelImporter.detectFormat(Array(text.utf8)) == nil)
        let error = #expect(throws: ModelFormatError.self) { try ModelImporter.importModel(Array(text.utf8)) }
        #expect(error?.place == "byte 0")
    }
}
