// What flows along an edge of the graph.
//
//     constant   a tensor of the file
//     rows       a tensor with one axis of rows: [N, columns], [N], [1, N, 3], …
//     shape      the shape of such a tensor, from Shape
//
// N is never known and need not be: rows do not see each other.  The columns of a row are its
// tensor's numbers in row-major order without the rows' axis, so [1, N, 3] and [N, 3] are the same
// three columns, and a graph that moves the axis about moves nothing.

enum RowDimension: Equatable {
    /// The rows.
    case rows
    case count(Int)

    var count: Int {
        switch self {
        case .rows: 1
        case .count(let count): count
        }
    }
}

/// Dimensions, exactly one of them the rows.
struct RowShape: Equatable {
    var dimensions: [RowDimension]

    static func matrix(_ columns: Int) -> RowShape { RowShape(dimensions: [.rows, .count(columns)]) }

    var rank: Int { dimensions.count }
    /// Where the rows are.
    var axis: Int { dimensions.firstIndex(of: .rows)! }
    var columns: Int { dimensions.reduce(1) { $0 * $1.count } }
    /// [N, columns] or [N].
    var isMatrix: Bool { axis == 0 && rank <= 2 }

    /// `[N, 3]`, for errors.
    var text: String {
        let parts = dimensions.map { dimension in
            if case .count(let count) = dimension { "\(count)" } else { "N" }
        }
        return "[\(parts.joined(separator: ", "))]"
    }

    /// How far apart in the columns neighbours along each axis stand; the rows' is 0.
    var strides: [Int] {
        var strides = [Int](repeating: 0, count: rank)
        var stride = 1
        for index in dimensions.indices.reversed() where dimensions[index] != .rows {
            strides[index] = stride
            stride *= dimensions[index].count
        }
        return strides
    }

    /// The columns in the order of `dimensions`, each column by the function of its coordinates.
    func map(_ column: (_ coordinates: [Int]) -> Int) -> [Int] {
        var columns: [Int] = []
        var coordinates = [Int](repeating: 0, count: rank)
        for _ in 0..<self.columns {
            columns.append(column(coordinates))
            for axis in dimensions.indices.reversed() {
                coordinates[axis] += 1
                if coordinates[axis] < dimensions[axis].count { break }
                coordinates[axis] = 0
            }
        }
        return columns
    }
}

struct RowTensor {
    /// The stage builder's value.
    var value: Int
    var shape: RowShape
    var element: ONNXElement
    /// For strings: the feature that each column is; their numbers are codes.
    var features: [Int] = []
}

enum GraphValue {
    case constant(ONNXTensor)
    case rows(RowTensor)
    case shape([RowDimension])
}
