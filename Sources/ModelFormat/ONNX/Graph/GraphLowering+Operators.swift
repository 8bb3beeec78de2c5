// Which function lowers which operator.

extension GraphLowering {
    /// ONNX versions whose operators are known here.
    static let opsets = 7...28
    static let mlOpsets = 1...5

    /// The outputs of a node; nil: an output that is not supported when something needs it.
    mutating func lower(_ reader: inout NodeReader) throws(ModelFormatError) -> [GraphValue?] {
        switch reader.node.domain {
        case "":
            if let results = try lowerShape(&reader) { return results }
            if let results = try lowerNumbers(&reader) { return results }
        case "ai.onnx.ml": if let results = try lowerML(&reader) { return results }
        default: break
        }
        let domain = reader.node.domain.isEmpty ? "ai.onnx" : reader.node.domain
        throw ModelFormatError(
            reader.node.place,
            "operator \(reader.node.operatorName) of domain \(domain) is not supported; supported are "
                + Self.supported.joined(separator: ", "))
    }

    static let supported = [
        "Abs", "Add", "And", "ArgMax", "ArgMin", "ArrayFeatureExtractor", "Binarizer", "Cast", "CategoryMapper", "Clip",
        "Concat", "Constant", "ConstantOfShape", "Div", "Dropout", "Equal", "Exp", "FeatureVectorizer", "Flatten",
        "Floor", "Gather", "Gemm", "Greater", "GreaterOrEqual", "Identity", "Imputer", "IsNaN", "LabelEncoder", "Less",
        "LessOrEqual", "LinearClassifier", "LinearRegressor", "Log", "LpNormalization", "MatMul", "Max", "Mean", "Min",
        "Mul", "Neg", "Normalizer", "Not", "OneHotEncoder", "Or", "Pow", "Reciprocal", "ReduceL1", "ReduceL2",
        "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare", "Relu", "Reshape",
        "Scaler", "Shape", "Sigmoid", "Slice", "Softmax", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Tanh", "Transpose",
        "TreeEnsemble", "TreeEnsembleClassifier", "TreeEnsembleRegressor", "Unsqueeze", "Where", "ZipMap",
    ]

    private mutating func lowerShape(_ reader: inout NodeReader) throws(ModelFormatError) -> [GraphValue?]? {
        switch reader.node.operatorName {
        case "Identity": [try input(0, reader)]
        case "Dropout": [try dropout(&reader)]
        case "Constant": [try constantNode(&reader)]
        case "ConstantOfShape": [try constantOfShape(&reader)]
        case "Shape": [try shapeNode(&reader)]
        case "Reshape": [try reshape(&reader)]
        case "Flatten": [try flatten(&reader)]
        case "Squeeze": [try squeeze(&reader)]
        case "Unsqueeze": [try unsqueeze(&reader)]
        case "Transpose": [try transpose(&reader)]
        case "Concat": [try concat(&reader)]
        case "Slice": [try slice(&reader)]
        case "Gather": [try gather(&reader)]
        case "Split": try split(&reader)
        case "Cast": [try cast(&reader)]
        default: nil
        }
    }

    private mutating func lowerNumbers(_ reader: inout NodeReader) throws(ModelFormatError) -> [GraphValue?]? {
        switch reader.node.operatorName {
        case "Add": [try arithmetic(.add, reader)]
        case "Sub": [try arithmetic(.subtract, reader)]
        case "Mul": [try arithmetic(.multiply, reader)]
        case "Div": [try arithmetic(.divide, reader)]
        case "Pow": [try power(reader)]
        case "Sum": [try variadic(.add, reader)]
        case "Max": [try variadic(.maximum, reader)]
        case "Min": [try variadic(.minimum, reader)]
        case "Mean": [try mean(reader)]
        case "MatMul": [try matMul(reader)]
        case "Gemm": [try gemm(&reader)]
        case "Relu": [try activation(.relu, reader)]
        case "Sigmoid": [try activation(.sigmoid, reader)]
        case "Tanh": [try activation(.tanh, reader)]
        case "Exp": [try activation(.exponential, reader)]
        case "Log": [try activation(.logarithm, reader)]
        case "Neg": [try activation(.negate, reader)]
        case "Abs": [try activation(.absolute, reader)]
        case "Sqrt": [try activation(.squareRoot, reader)]
        case "Reciprocal": [try activation(.reciprocal, reader)]
        case "Floor": [try activation(.floor, reader)]
        case "Softmax": [try softmax(&reader)]
        case "LpNormalization": [try lpNormalization(&reader)]
        case "Clip": [try clip(&reader)]
        default: try lowerLogic(&reader)
        }
    }

    private mutating func lowerLogic(_ reader: inout NodeReader) throws(ModelFormatError) -> [GraphValue?]? {
        switch reader.node.operatorName {
        case "Equal": [try compare(.equal, reader)]
        case "Less": [try compare(.less, reader)]
        case "LessOrEqual": [try compare(.lessOrEqual, reader)]
        case "Greater": [try compare(.greater, reader)]
        case "GreaterOrEqual": [try compare(.greaterOrEqual, reader)]
        case "And": [try logic(.multiply, reader)]
        case "Or": [try logic(.maximum, reader)]
        case "Not": [try not(reader)]
        case "IsNaN": [try isNaN(reader)]
        case "Where": [try whereNode(reader)]
        case "ArgMax": [try argument(.indexOfMaximum, &reader)]
        case "ArgMin": [try argument(.indexOfMinimum, &reader)]
        case "ReduceSum": [try reduce(.sum, &reader, axesInputFrom: 13)]
        case "ReduceMean": [try reduce(.mean, &reader)]
        case "ReduceMax": [try reduce(.maximum, &reader)]
        case "ReduceMin": [try reduce(.minimum, &reader)]
        case "ReduceProd": [try reduce(.product, &reader)]
        case "ReduceL1": [try reduce(.sum, &reader, before: .absolute)]
        case "ReduceSumSquare": [try reduce(.sum, &reader, squared: true)]
        case "ReduceL2": [try reduce(.sum, &reader, squared: true, after: .squareRoot)]
        default: nil
        }
    }

    private mutating func lowerML(_ reader: inout NodeReader) throws(ModelFormatError) -> [GraphValue?]? {
        switch reader.node.operatorName {
        case "Scaler": [try scaler(&reader)]
        case "Imputer": [try imputer(&reader)]
        case "Normalizer": [try normalizer(&reader)]
        case "Binarizer": [try binarizer(&reader)]
        case "OneHotEncoder": [try oneHotEncoder(&reader)]
        case "LabelEncoder": [try labelEncoder(&reader)]
        case "CategoryMapper": [try categoryMapper(&reader)]
        case "ArrayFeatureExtractor": [try arrayFeatureExtractor(reader)]
        case "FeatureVectorizer": [try featureVectorizer(&reader)]
        case "LinearClassifier": [nil, try linearClassifier(&reader)]
        case "LinearRegressor": [try linearRegressor(&reader)]
        case "TreeEnsembleClassifier": [nil, try treeEnsembleClassifier(&reader)]
        case "TreeEnsembleRegressor": [try treeEnsembleRegressor(&reader)]
        case "TreeEnsemble": [try treeEnsemble(&reader)]
        case "ZipMap": [try zipMap(&reader)]
        default: nil
        }
    }
}
