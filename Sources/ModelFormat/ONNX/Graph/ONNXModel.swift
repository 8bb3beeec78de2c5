// An ONNX file as it stands: messages become structs, nothing is understood yet.
//
//     ModelProto ─┬─ opset_import    which version of which operators
//                 └─ graph ─┬─ node         operator, names of inputs and outputs, attributes
//                           ├─ initializer  constant tensors by name
//                           └─ input, output

struct ONNXModel {
    /// `skl2onnx`, `OnnxMLTools`, `CatBoost`, …; empty: not said.
    var producer = ""
    var producerVersion = ""
    /// Version by domain; "" is ai.onnx.
    var opsets: [String: Int] = [:]
    var graph = ONNXGraph()
}

struct ONNXGraph {
    var nodes: [ONNXNode] = []
    var initializers: [ONNXTensor] = []
    var inputs: [ONNXValueInfo] = []
    var outputs: [ONNXValueInfo] = []
}

struct ONNXNode {
    var inputs: [String] = []
    var outputs: [String] = []
    var name = ""
    var operatorName = ""
    /// "" is ai.onnx.
    var domain = ""
    var attributes: [String: ONNXAttribute] = [:]
    /// `graph.node[3] (scaler)`.
    var place = ""
}

enum ONNXAttribute {
    case float(Double)
    case integer(Int64)
    case string(String)
    case tensor(ONNXTensor)
    case floats([Double])
    case integers([Int64])
    case strings([String])
}

/// A graph's input or output.
struct ONNXValueInfo {
    enum Dimension: Equatable {
        case count(Int)
        /// A name such as `N`, or nothing.
        case open
    }

    var name = ""
    /// nil: not a tensor, such as ZipMap's sequence of maps.
    var element: ONNXElement?
    /// nil: not said.
    var shape: [Dimension]?
    var place = ""
}

/// TensorProto.DataType.
enum ONNXElement: Int, Sendable {
    case float = 1
    case uint8 = 2
    case int8 = 3
    case uint16 = 4
    case int16 = 5
    case int32 = 6
    case int64 = 7
    case string = 8
    case bool = 9
    case float16 = 10
    case double = 11
    case uint32 = 12
    case uint64 = 13
    case bfloat16 = 16

    /// Bytes in raw_data; nil: strings have none.
    var byteCount: Int? {
        switch self {
        case .uint8, .int8, .bool: 1
        case .uint16, .int16, .float16, .bfloat16: 2
        case .float, .int32, .uint32: 4
        case .int64, .uint64, .double: 8
        case .string: nil
        }
    }

    var isWhole: Bool {
        switch self {
        case .uint8, .int8, .uint16, .int16, .int32, .int64, .uint32, .uint64, .bool: true
        case .float, .double, .float16, .bfloat16, .string: false
        }
    }

    var isReal: Bool { self == .float || self == .double }

    var isHalf: Bool { self == .float16 || self == .bfloat16 }

    /// The width that holds every value exactly; int64 only up to 2^53.
    var width: NumberWidth {
        switch self {
        case .float, .float16, .bfloat16, .bool, .uint8, .int8, .uint16, .int16, .string: .float32
        case .double, .int32, .int64, .uint32, .uint64: .float64
        }
    }
}

/// A constant.
struct ONNXTensor {
    enum Storage {
        /// Reals, widened exactly.
        case numbers([Double])
        case integers([Int64])
        case strings([String])
    }

    var name = ""
    var element = ONNXElement.float
    /// Row-major; empty: a scalar.
    var dimensions: [Int] = []
    var storage = Storage.numbers([])

    var count: Int {
        switch storage {
        case .numbers(let values): values.count
        case .integers(let values): values.count
        case .strings(let values): values.count
        }
    }

    /// The values as numbers; nil: they are strings, or integers that a Double does not hold.
    var numbers: [Double]? {
        switch storage {
        case .numbers(let values): return values
        case .integers(let values):
            let numbers = values.compactMap { Double(exactly: $0) }
            return numbers.count == values.count ? numbers : nil
        case .strings: return nil
        }
    }

    var integers: [Int64]? {
        if case .integers(let values) = storage { values } else { nil }
    }

    var strings: [String]? {
        if case .strings(let values) = storage { values } else { nil }
    }
}
