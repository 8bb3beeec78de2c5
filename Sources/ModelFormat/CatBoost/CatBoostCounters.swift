// CatBoost's counters (CTR): statistics of a category, or of a combination of features, learned from
// the targets and looked up by hash; and the places of one-hot categories.
//
//     code ──► CatBoost's hash of the category ─┬─► place among a one-hot feature's values ──────────► y
//     number ──► passed a border or not ────────┴─► 64-bit key ─► table ─► (count + prior) / (total + …) ─► y
//
// A table is kept as the file has it: keys and integer statistics.  The counter's value is a float32
// formula over them, the same for every row with that key; a compiler may compute it beforehand.
// Keys that no training row had count as empty.

public struct CatBoostCounters: Sendable, Equatable {
    /// A column of category codes.  NaN, and what is outside 64 bits, hash as "nan", "inf" and "-inf";
    /// a fraction is cut; a code beyond `hashes` hashes as its decimal digits.
    public struct Category: Sendable, Equatable {
        public var column: Int
        /// The hashes of the listed categories, by code.
        public var hashes: [UInt32]

        public init(column: Int, hashes: [UInt32]) {
            self.column = column
            self.hashes = hashes
        }
    }

    /// Whether a column's value, rounded to float32, is above `border`; a missing one is where
    /// `missingIsAbove`.
    public struct Border: Sendable, Hashable {
        public var column: Int
        public var border: Float
        public var missingIsAbove: Bool

        public init(column: Int, border: Float, missingIsAbove: Bool) {
            self.column = column
            self.border = border
            self.missingIsAbove = missingIsAbove
        }
    }

    /// Whether a category has this hash.
    public struct Equality: Sendable, Hashable {
        /// Index into `categories`.
        public var category: Int
        public var hash: UInt32

        public init(category: Int, hash: UInt32) {
            self.category = category
            self.hash = hash
        }
    }

    /// What a key is made of, in this order: the hashes of categories, then answers as 0 and 1.
    public struct Combination: Sendable, Equatable {
        /// Indices into the model's `categories`.
        public var categories: [Int]
        public var borders: [Border]
        public var equalities: [Equality]

        public init(categories: [Int], borders: [Border], equalities: [Equality]) {
            self.categories = categories
            self.borders = borders
            self.equalities = equalities
        }
    }

    /// What is known of each key of a table; as many as keys.
    public enum Statistics: Sendable, Equatable {
        /// How many rows of each class, `classes` numbers a key.
        case classes(Int, counts: [Int32])
        /// The sum of the rows' targets, and how many rows.
        case means(sums: [Float], counts: [Int32])
        /// How many rows; `denominator` stands for the rows of all keys.
        case totals(counts: [Int32], denominator: Int32)
    }

    public struct Table: Sendable, Equatable {
        /// Index into `combinations`.
        public var combination: Int
        /// Ascending and distinct.
        public var keys: [UInt64]
        public var statistics: Statistics

        public init(combination: Int, keys: [UInt64], statistics: Statistics) {
            self.combination = combination
            self.keys = keys
            self.statistics = statistics
        }
    }

    /// Which part of a key's statistics is the numerator; the denominator is their whole.
    public enum Numerator: Sendable, Equatable {
        /// Rows of the classes above this one (CatBoost's Borders).
        case above(Int)
        /// Rows of this class (Buckets).
        case only(Int)
        /// The sum of targets or the rows (means, Counter, FeatureFreq).
        case all
    }

    /// y = ((numerator + prior) / (denominator + priorDenominator) + shift) × scale, in float32.
    public struct Counter: Sendable, Equatable {
        /// Index into `tables`.
        public var table: Int
        public var numerator: Numerator
        public var prior: Float
        public var priorDenominator: Float
        public var shift: Float
        public var scale: Float

        public init(
            table: Int, numerator: Numerator, prior: Float, priorDenominator: Float, shift: Float, scale: Float
        ) {
            self.table = table
            self.numerator = numerator
            self.prior = prior
            self.priorDenominator = priorDenominator
            self.shift = shift
            self.scale = scale
        }
    }

    /// y = the place of the category's hash among `values`; their count where it is none of them.
    public struct OneHot: Sendable, Equatable {
        /// Index into `categories`.
        public var category: Int
        /// Distinct.
        public var values: [UInt32]

        public init(category: Int, values: [UInt32]) {
            self.category = category
            self.values = values
        }
    }

    public var categories: [Category]
    public var combinations: [Combination]
    public var tables: [Table]
    /// The first output columns.
    public var oneHots: [OneHot]
    /// The output columns behind them.
    public var counters: [Counter]

    public var outputColumns: Int { oneHots.count + counters.count }

    public init(
        categories: [Category] = [], combinations: [Combination] = [], tables: [Table] = [], oneHots: [OneHot] = [],
        counters: [Counter] = []
    ) {
        self.categories = categories
        self.combinations = combinations
        self.tables = tables
        self.oneHots = oneHots
        self.counters = counters
    }
}
