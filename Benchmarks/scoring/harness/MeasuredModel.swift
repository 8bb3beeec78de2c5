// The ten models, as Benchmarks/scoring/peers/models.py trains them.

/// How near Serin's answers must be to the trainer's before anything is timed.
enum Agreement {
    /// Every bit, as float32.
    case floatBits
    /// One unit in the last place of a double.
    case oneUnit
    case within(Double)
}

struct MeasuredModel {
    var name: String
    /// The file that Serin imports.
    var source: String
    var featureCount = 32
    /// answers.f64 holds margins; else probabilities of class 1 (a forest's averages among them).
    var hasMargins = true
    var agreement: Agreement
    /// Kinds of CPeers, or `catboost-pool`.
    var peers: [String]

    /// The peers of a measurement: scalar kernels stand beside what ONNX Runtime has for a machine without AVX.
    func peers(_ kernels: KernelChoice) -> [String] {
        kernels == .scalar ? peers.map { $0 == "onnxruntime" ? Goals.scalarPeer : $0 } : peers
    }

    static let all = [
        MeasuredModel(
            name: "xgb100x6", source: "model.json", agreement: .floatBits, peers: ["tl2cgen", "xgboost", "onnxruntime"]),
        MeasuredModel(
            name: "xgb500x8", source: "model.json", agreement: .floatBits, peers: ["tl2cgen", "xgboost", "onnxruntime"]),
        MeasuredModel(
            name: "lgb100x31", source: "model.txt", agreement: .oneUnit, peers: ["lleaves", "lightgbm", "onnxruntime"]),
        MeasuredModel(
            name: "lgb500x63", source: "model.txt", agreement: .oneUnit, peers: ["lleaves", "lightgbm", "onnxruntime"]),
        MeasuredModel(
            name: "lgbcat100x31", source: "model.txt", agreement: .oneUnit,
            peers: ["lleaves", "lightgbm", "onnxruntime"]
        ),
        MeasuredModel(
            name: "rf200x10", source: "forest.onnx", hasMargins: false, agreement: .within(1e-12),
            peers: ["tl2cgen", "onnxruntime"]),
        MeasuredModel(
            name: "cat500x6", source: "model.json", agreement: .oneUnit,
            peers: ["catboost-cpp", "catboost-pool", "onnxruntime"]),
        MeasuredModel(
            name: "logreg32", source: "model.onnx", hasMargins: false, agreement: .within(1e-6),
            peers: ["loop", "openblas", "onnxruntime"]),
        MeasuredModel(
            name: "mlp32", source: "model.onnx", hasMargins: false, agreement: .within(1e-6),
            peers: ["loop", "openblas", "onnxruntime"]),
        MeasuredModel(
            name: "mlp256", source: "model.onnx", featureCount: 256, hasMargins: false,
            agreement: .within(1e-6), peers: ["loop", "openblas", "onnxruntime"]),
    ]
}
