// What has to be reached, as data: every figure that the last line judges stands here.
//
//     ratio = nanoseconds a row of the best peer with right answers ÷ Serin's, in the same run
//
// Networks in 8 and 64 rows are asked what the processor allows: 256-512-256-1 has 263,000 products a row, which
// a Zen 5 core does in 2.3 us, and its peers need 2.6 to 3.9; 32-64-32-1 has 4,128, in 36 ns, where 129 are needed.
//
// With AVX2 alone half of each ratio is asked.  The scalar kernels are held against ONNX Runtime without
// AVX, as it would be on a machine that needs them.

enum Goals {
    /// Rows of a call that are measured.
    static let batchSizes = [1, 8, 64, 1_024, 65_536]

    /// Ratios by model, in the order of `batchSizes`; nil: shown, not judged.
    private static let ratios: [String: [Double?]] = [
        "xgb100x6": [6, 3, 4, 10, 10],
        "xgb500x8": [18, 3, 18, 25, 25],
        "lgb100x31": [3, 3, 4, 4, 4],
        "lgb500x63": [4.5, 3, 4, 10, 10],
        "lgbcat100x31": [4, 3, 4, nil, nil],
        "rf200x10": [6, 3, 4, 4, 4],
        "cat500x6": [4, 3, 4, 1.5, 1.5],
        "logreg32": [1, 1.4, 2.5, 2, 2],
        "mlp32": [1, 3, 2.4, 1.2, 1.2],
        "mlp256": [1.2, 1.2, 1.1, 1.2, 1.2],
    ]
    private static let avx2Share = 0.5
    private static let scalarRatio = 1.0
    /// The peer that the scalar kernels are measured against.
    static let scalarPeer = "onnxruntime-sse"

    /// Two threads on two cores, by the time of one.
    static let twoThreads = 1.8
    /// From the source file to an image that scores, and from a cached image, by model.
    static let compileMillis: [String: Double] = ["xgb500x8": 100, "lgb500x63": 100]
    static let cachedLoadMillis: [String: Double] = ["xgb500x8": 5, "lgb500x63": 5]
    /// TreeSHAP of one row, in microseconds, by model.
    static let contributionsMicros: [String: Double] = ["xgb100x6": 30]

    /// The least ratio to the best peer; nil: none is asked.
    static func ratio(_ model: MeasuredModel, rows: Int, kernels: KernelChoice) -> Double? {
        guard let index = batchSizes.firstIndex(of: rows) else { return nil }
        let goal = ratios[model.name]?[index]
        switch kernels {
        case .best: return goal
        case .avx2: return goal.map { $0 * avx2Share }
        case .scalar: return scalarRatio
        }
    }
}
