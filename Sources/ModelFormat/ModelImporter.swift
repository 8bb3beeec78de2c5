// From a trainer's file to a checked model.
//
//     bytes ── format ──► JSON ─┬─► ModelValue ─► CatBoostImporter ─┐
//                         UBJSON┴─► ModelValue ─► XGBoostImporter ──┤
//                         text ─────────────────► LightGBMImporter ─┼─► PortableModel ─► check
//                         protobuf ─────────────► ONNXImporter ─────┘

internal import Glibc

public enum ModelImporter {
    /// What `accept` may name: half precision computed in float32, and probit's normal distribution.
    public static let approximations = ["float16", "probit"]

    /// Reads a whole file of at most `ModelBounds.fileBytes`.
    ///
    /// - Parameters:
    ///   - format: nil: told from the first bytes.
    ///   - categories: names of categories by feature, index = code, where the caller knows them; empty, or
    ///     too short: a code stands for itself (CatBoost) or for the file's own list (ONNX).  CatBoost's
    ///     models and ONNX's string inputs are about names, the others' about codes.
    ///   - accept: approximations that may be made (`float16`, `probit`); what is not named is refused.
    ///   - progress: called with 0 to 1 as trees are read; big models take seconds.
    public static func importModel(
        _ bytes: [UInt8], format: ModelFileFormat? = nil, categories: [[String]] = [], accept: [String] = [],
        progress: ((Double) -> Void)? = nil
    ) throws(ModelFormatError) -> ImportedModel {
        guard bytes.count <= ModelBounds.fileBytes else {
            throw ModelFormatError("", "the file is larger than \(ModelBounds.fileBytes) bytes")
        }
        guard let format = format ?? detectFormat(bytes) else {
            throw ModelFormatError(
                "byte 0",
                "is not the beginning of an XGBoost JSON, XGBoost UBJSON, LightGBM text, CatBoost JSON or ONNX file")
        }
        let model: ImportedModel
        switch format {
        case .xgboostJSON:
            model = try XGBoostImporter(progress: progress).read(JSONModelReader.read(bytes), format: format)
        case .xgboostUBJSON:
            model = try XGBoostImporter(progress: progress).read(UBJSONReader.read(bytes), format: format)
        case .lightgbm: model = try LightGBMImporter.read(bytes, progress: progress)
        case .catboost:
            let importer = CatBoostImporter(categories: categories, progress: progress)
            model = try importer.read(JSONModelReader.read(bytes))
        case .onnx:
            let importer = ONNXImporter(categories: categories, accepted: Set(accept), progress: progress)
            model = try importer.read(bytes)
        }
        try model.model.check()
        progress?(1)
        return model
    }

    /// Reads the file at `path`.
    public static func importModel(
        path: String, format: ModelFileFormat? = nil, categories: [[String]] = [], accept: [String] = [],
        progress: ((Double) -> Void)? = nil
    ) throws(ModelFormatError) -> ImportedModel {
        try importModel(
            readFile(path), format: format, categories: categories, accept: accept, progress: progress)
    }

    public static func detectFormat(_ bytes: [UInt8]) -> ModelFileFormat? { ModelFileFormat.detect(bytes) }

    private static func readFile(_ path: String) throws(ModelFormatError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw ModelFormatError(path, "cannot be opened: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw ModelFormatError(path, "is not a regular file")
        }
        guard status.st_size <= ModelBounds.fileBytes else {
            throw ModelFormatError(path, "is larger than \(ModelBounds.fileBytes) bytes")
        }
        var failed = false
        let size = Int(status.st_size)
        // Room behind the bytes saves the JSON parser a copy of its own.
        let bytes = [UInt8](unsafeUninitializedCapacity: size + JSONModelReader.padding) { buffer, count in
            while count < size {
                let got = Glibc.read(descriptor, buffer.baseAddress! + count, size - count)
                if got < 0, errno == EINTR { continue }
                failed = got < 0
                if got <= 0 { break }
                count += got
            }
        }
        if failed { throw ModelFormatError(path, "cannot be read") }
        return bytes
    }
}
