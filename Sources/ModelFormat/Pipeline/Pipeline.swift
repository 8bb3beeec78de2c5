// A model of several stages: each makes one value of a row from values before it.
//
//     value 0: the row ──► stage 0 ──► value 1 ──► stage 1 ──► value 2 …
//                              └───────────────────────┘  any earlier value may be an input
//
// A value is a vector of numbers of one width; a stage with several inputs sees their columns one
// behind the other.  There are no branches and no loops, so a row's cost is known beforehand and
// nothing is allocated while it is scored.  `ReferenceScorer` runs it as it is written; Execution
// compiles it.

public struct Pipeline: Sendable, Equatable {
    /// A row's vector: `columns` numbers.
    public struct Value: Sendable, Equatable {
        public var columns: Int
        public var width: NumberWidth

        public init(columns: Int, width: NumberWidth) {
            self.columns = columns
            self.width = width
        }
    }

    public struct Stage: Sendable, Equatable {
        /// Values before this stage's own; their columns are put one behind the other, each converted
        /// to the width of the output unless the operation says otherwise.
        public var inputs: [Int]
        public var operation: Operation
        public var output: Value
        /// For errors and for people: `scaler`, `manifest.pipeline.before[2]`, the ONNX node's name.
        public var name: String

        public init(inputs: [Int], operation: Operation, output: Value, name: String) {
            self.inputs = inputs
            self.operation = operation
            self.output = output
            self.name = name
        }
    }

    /// Value 0: the row.  A float32 row is widened where this is float64; a float64 row is rounded to
    /// the nearest float32 where this is float32.
    public var input: Value
    /// Stage i makes value i + 1.
    public var stages: [Stage]
    /// The value that is the margin: what the model knows before its objective's transform.
    public var margins: Int
    /// The value that is the score; it has the columns and the width of the margins.
    public var scores: Int

    public init(input: Value, stages: [Stage], margins: Int, scores: Int) {
        self.input = input
        self.stages = stages
        self.margins = margins
        self.scores = scores
    }

    /// The shape of value `index`.
    public func value(_ index: Int) -> Value { index == 0 ? input : stages[index - 1].output }
}
