// The bounds on what a model file may ask for, in one place.
//
// A model comes from its author, not from a client, but a file can be damaged or hostile all the
// same.  Every count that leads to an allocation is checked against the bytes that are really
// there, and against these.  The largest forests in use (10,000 trees, a million nodes) stay an
// order of magnitude below.

public enum ModelBounds {
    /// A million nodes are about 100 MB of XGBoost JSON; reading takes up to 12 times as much memory.
    public static let fileBytes = 128 << 20
    /// Nesting of arrays and objects; XGBoost's files need 7.
    public static let nesting = 32
    /// Values outside arrays of plain numbers, 24 bytes each in memory; a tree needs about 25.
    public static let values = 4_000_000
    public static let trees = 100_000
    /// Splits and leaves together, 40 bytes each in memory.
    public static let nodes = 4_000_000
    /// Splits on one path.  A row's cost grows with it, and nothing trained comes near.
    public static let depth = 10_000
    /// Columns of a row.
    public static let features = 65_536
    /// Columns of a score.
    public static let outputs = 4_096
    /// Categories are whole numbers below it; above it a float32 skips some.
    public static let categories = 1 << 24
    /// Members of all category sets together, 4 bytes each in memory.
    public static let categoryMembers = 16_000_000
    /// Terms of all linear leaves together, 12 bytes each in memory.
    public static let linearTerms = 16_000_000
    /// Nodes of an ONNX graph; exports of scikit-learn's largest pipelines have a few thousand.
    public static let graphNodes = 16_384
    /// Stages of a pipeline; the longest exports have a few hundred.
    public static let stages = 4_096
    /// Columns of all values of a row together: 8 bytes of scratch each.
    public static let rowColumns = 1 << 21
    /// Numbers in all of a pipeline's stages, forests aside: 8 bytes each in memory.
    public static let parameters = 32_000_000
    /// Operations of one row: multiplications, splits, compared and copied columns.  About 50 ms.
    public static let rowOperations = 100_000_000
    /// Bytes of a name or of a header value.
    public static let nameBytes = 4_096
}
