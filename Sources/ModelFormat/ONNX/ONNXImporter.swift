// An ONNX file into a forest or a pipeline.
//
//     bytes ─► ONNXReader ─► ONNXModel ─► GraphLowering ─► stages ─┬─ one forest over the row ─► .forest
//                                                                  └─ else                    ─► .pipeline
//
// The score is the graph's float output: a classifier's probabilities, a regressor's values.  Labels
// are not computed: they are what a threshold makes of the score.  A classifier of two classes gives
// one score, the second class's, as the boosting libraries' own files do.
//
// Results follow ONNX Runtime where the operators' definitions leave something open, and the
// definitions where ONNX Runtime departs from them; Tests/Fixtures/onnx/README.md lists where.

struct ONNXImporter {
    /// Names of categories by feature, index = code, where the caller knows them.
    let categories: [[String]]
    let accepted: Set<String>
    let progress: ((Double) -> Void)?

    func read(_ bytes: [UInt8]) throws(ModelFormatError) -> ImportedModel {
        let model = try ONNXReader.read(bytes)
        progress?(0.3)
        try checkOpsets(model)
        let inputs = try GraphInputs(model)
        let output = try scoreOutput(model)
        var graph = GraphLowering(model: model, inputs: inputs, accepted: accepted)
        try graph.seed(categories, inputs)
        try graph.bind(inputs)
        let rows = try graph.lower(output)
        progress?(0.9)
        guard rows.element.isReal || rows.element.isHalf else {
            throw ModelFormatError(output.place, "must be float or double, is \(rows.element)")
        }
        let classCount = try classCount(model, graph, rows, output)
        let portable = portable(&graph, rows, isBinary: classCount == 2)
        return ImportedModel(
            format: .onnx, model: portable, featureNames: inputs.names,
            categoricalFeatures: inputs.isText, categories: graph.categories, objective: graph.objective,
            classCount: classCount, trainerVersion: trainerVersion(model),
            notes: notes(model, graph, classCount), approximations: graph.approximations)
    }

    private func checkOpsets(_ model: ONNXModel) throws(ModelFormatError) {
        let known = ["": GraphLowering.opsets, "ai.onnx.ml": GraphLowering.mlOpsets]
        for (domain, version) in model.opsets.sorted(by: { $0.key < $1.key }) {
            guard let range = known[domain], !range.contains(version) else { continue }
            throw ModelFormatError(
                "opset_import",
                "version \(version) of \(domain.isEmpty ? "ai.onnx" : domain) is not supported; "
                    + "\(range.lowerBound) to \(range.upperBound) are")
        }
    }

    /// The one output that is no label: float, or ZipMap's maps.
    private func scoreOutput(_ model: ONNXModel) throws(ModelFormatError) -> ONNXValueInfo {
        let candidates = model.graph.outputs.filter { output in
            guard let element = output.element else { return true }
            return element.isReal || element.isHalf
        }
        if candidates.count == 1 { return candidates[0] }
        let names = ["probabilities", "output_probability", "probability", "probability_tensor"]
        if let named = candidates.first(where: { names.contains($0.name) }) { return named }
        let outputs = model.graph.outputs.map { "`\($0.name)`" }.joined(separator: ", ")
        throw ModelFormatError(
            "graph.output", "must have one float output, or one named probabilities; has \(outputs)")
    }

    /// 0: no classifier.  A classifier has a label output, maps by class, or a classifier's node.
    private func classCount(
        _ model: ONNXModel, _ graph: GraphLowering, _ rows: RowTensor, _ output: ONNXValueInfo
    ) throws(ModelFormatError) -> Int {
        let hasLabel = model.graph.outputs.contains { $0.element == .int64 || $0.element == .string }
        guard hasLabel || output.element == nil else { return 0 }
        let columns = rows.shape.columns
        guard graph.classNames.isEmpty || graph.classNames.count == columns || columns == 1 else { return columns }
        return columns == 1 ? 2 : columns
    }

    private func portable(_ graph: inout GraphLowering, _ rows: RowTensor, isBinary: Bool) -> PortableModel {
        var scores = rows.value
        if isBinary, rows.shape.columns == 2 { scores = graph.builder.narrow([1], of: scores) }
        let split = graph.builder.splitMargins(scores)
        let pipeline = graph.builder.pipeline(margins: split.margins, scores: split.scores)
        return pipeline.asForest.map { .forest($0) } ?? .pipeline(pipeline)
    }

    private func trainerVersion(_ model: ONNXModel) -> String? {
        model.producerVersion.isEmpty ? nil : model.producerVersion
    }

    private func notes(_ model: ONNXModel, _ graph: GraphLowering, _ classCount: Int) -> [String] {
        var notes = graph.notes
        if classCount > 0, !graph.classNames.isEmpty, graph.classNames.count <= 100 {
            notes.append("the classes are, in order, \(graph.classNames.joined(separator: ", "))")
        }
        if classCount == 2 { notes.append("the score is that of the second class; the first one's is not computed") }
        if model.producer == "skl2onnx", graph.hasSplits, !graph.hasMissingDirections {
            notes.append(
                "skl2onnx loses where a forest sends missing values: here they go right, whatever scikit-learn does; "
                    + "export with models/train/export_sklearn.py to keep it")
        }
        if graph.hasSplits {
            notes.append("ONNX does not hold how many rows reached each node: no contributions for this model")
        }
        return notes
    }
}

extension Pipeline {
    /// The forest that the pipeline is: over the whole row, with at most a transform behind it; else nil.
    fileprivate var asForest: Forest? {
        guard let first = stages.first, case .forest(var forest) = first.operation, first.inputs == [0],
            margins == 1
        else { return nil }
        if scores == 1 { return stages.count == 1 ? forest : nil }
        guard stages.count == 2, scores == 2, stages[1].inputs == [1], stages[1].output == first.output,
            forest.averageDivisor == 1, let transform = stages[1].operation.asTransform
        else { return nil }
        forest.transform = transform
        return forest
    }
}

extension Operation {
    /// The transform that a stage is; nil: it is none.
    fileprivate var asTransform: OutputTransform? {
        switch self {
        case .transform(let transform): transform
        case .activation(.sigmoid): .sigmoid(scale: 1)
        case .activation(.softmax): .softmax
        case .activation(.exponential): .exponential
        default: nil
        }
    }
}
