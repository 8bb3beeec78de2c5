// A forest as any importer hands it over: portable, complete, and slow.
//
//     row ──► every tree, from node 0 to a leaf ──► margins[output] += leaf ──► transform ──► scores
//
// It says everything that decides a score to the last bit: how a value is converted and compared,
// where a missing value goes, in which width and order the leaves are added, and what happens to
// the sums.  `ReferenceScorer` walks it as the trainer does; Execution compiles it.

/// IEEE 754 single or double.
public enum NumberWidth: UInt8, Sendable, Equatable {
    case float32
    case float64
}

public struct Forest: Sendable, Equatable {
    /// What sends a value to the left of a threshold.
    public enum Comparison: UInt8, Sendable, Equatable {
        /// `value < threshold` (XGBoost).
        case less
        /// `value <= threshold` (LightGBM).
        case lessOrEqual
    }

    /// Where a split sends a value that is not there.
    public enum Missing: UInt8, Sendable, Equatable {
        /// NaN goes left.
        case left
        /// NaN goes right.
        case right
        /// NaN counts as 0.
        case zero
        /// NaN and zeros (see `zeroBand`) go left.
        case zeroLeft
        /// NaN and zeros (see `zeroBand`) go right.
        case zeroRight
    }

    /// Which numbers can be a member of a category set; they are cut to whole numbers first.
    public enum CategoryRule: UInt8, Sendable, Equatable {
        /// value ≥ 0 (XGBoost).
        case notNegative
        /// value > -1: the fraction is cut before the sign is looked at (LightGBM).
        case aboveMinusOne
    }

    /// A split or a leaf.
    public struct Node: Sendable, Equatable {
        /// Column of the row; -1: a leaf.
        public var feature: Int32
        /// Children, as indices into the tree's nodes.
        public var left: Int32
        public var right: Int32
        /// Index into `categorySets`; -1: a threshold split.
        public var categories: Int32
        /// The threshold, or the leaf's value.  A float32 stands here exactly.
        public var value: Double
        public var missing: Missing

        public var isLeaf: Bool { feature < 0 }

        public static func leaf(_ value: Double) -> Node {
            Node(feature: -1, left: -1, right: -1, categories: -1, value: value, missing: .left)
        }

        public static func split(
            feature: Int32, threshold: Double, left: Int32, right: Int32, missing: Missing
        ) -> Node {
            Node(feature: feature, left: left, right: right, categories: -1, value: threshold, missing: missing)
        }

        public static func split(
            feature: Int32, categories: Int32, left: Int32, right: Int32, missing: Missing
        ) -> Node {
            Node(feature: feature, left: left, right: right, categories: categories, value: 0, missing: missing)
        }
    }

    /// Node 0 is the root; every other node is the child of exactly one.
    public struct Tree: Sendable, Equatable {
        /// The column of the score that its leaves are added to.
        public var output: Int
        public var nodes: [Node]
        /// What reached each node in training (rows, or sums of their weights), for contributions; as
        /// many as nodes, or empty where the file has none.
        public var covers: [Double] = []
        /// Leaves that are linear functions, ascending by node; LightGBM's linear trees have them.
        public var linearLeaves: [LinearLeaf] = []

        public init(output: Int, nodes: [Node]) {
            self.output = output
            self.nodes = nodes
        }
    }

    /// constant + Σ coefficients[i] × row[features[i]], added in that order in float64 (values within the
    /// zero band are 0); the leaf's own value where one of those features is missing.
    public struct LinearLeaf: Sendable, Equatable {
        public var node: Int32
        public var constant: Double
        public var features: [Int32]
        public var coefficients: [Double]

        public init(node: Int32, constant: Double, features: [Int32], coefficients: [Double]) {
            self.node = node
            self.constant = constant
            self.features = features
            self.coefficients = coefficients
        }
    }

    /// Columns of a row.
    public var featureCount: Int
    /// Values are rounded to this before they are compared.
    public var valueWidth: NumberWidth
    public var comparison: Comparison
    /// Values no further from 0 than this are 0; LightGBM's is 1e-35 as a float32, XGBoost has none (0).
    public var zeroBand: Double

    public var categoryRule: CategoryRule
    /// Where a member goes; whatever is no member goes to the other side.
    public var membersGoLeft: Bool
    /// Ascending whole numbers, one array a set.
    public var categorySets: [[UInt32]]

    /// In the order in which the trainer adds them.
    public var trees: [Tree]

    /// Sums are kept in this width, and so are leaves, margins and scores.
    public var accumulation: NumberWidth
    /// What every output's sum starts from.
    public var baseMargins: [Double]
    /// The sums are divided by it before the transform (random forests); 1: they are not.
    public var averageDivisor: Int
    /// margin = sum × marginScale + marginBias[output], each rounded; CatBoost's `scale_and_bias`.
    public var marginScale: Double = 1
    /// One for each output; empty: 0.
    public var marginBias: [Double] = []
    public var transform: OutputTransform

    public var outputCount: Int { baseMargins.count }

    public init(
        featureCount: Int, valueWidth: NumberWidth, comparison: Comparison, zeroBand: Double = 0,
        categoryRule: CategoryRule = .notNegative, membersGoLeft: Bool = false, categorySets: [[UInt32]] = [],
        trees: [Tree], accumulation: NumberWidth, baseMargins: [Double], averageDivisor: Int = 1,
        transform: OutputTransform = .identity
    ) {
        self.featureCount = featureCount
        self.valueWidth = valueWidth
        self.comparison = comparison
        self.zeroBand = zeroBand
        self.categoryRule = categoryRule
        self.membersGoLeft = membersGoLeft
        self.categorySets = categorySets
        self.trees = trees
        self.accumulation = accumulation
        self.baseMargins = baseMargins
        self.averageDivisor = averageDivisor
        self.transform = transform
    }
}
