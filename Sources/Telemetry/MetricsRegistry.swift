// All metrics of the process: declared while models load, read by a scrape.
//
//     declared ─► family (name, type, HELP) ─► series (labels) ─► cells ─► the same cells of every shard
//
// Declaring and rendering take a lock, on control-plane threads; writing goes through
// `MetricsShard` and takes none.  Cells are allocated once, for every shard, so a model that is
// loaded later finds its cells in shards that reactors already use; when they are used up, a
// declaration throws.  A latency histogram takes 18 cells: 16,384 cells (128 KiB a shard) are room
// for several hundred model versions.  Slots of exemplars are mapped beside them, and cost
// nothing before they are used; a histogram for which there are none left shows none.
//
// Declaring a series again gives the same id (a version that is loaded, unloaded and loaded again
// goes on counting); a different type, help or set of edges under a known name is refused.

import Glibc
import Synchronization

public final class MetricsRegistry: Sendable {
    /// What a histogram's edges and values are, or what a counter adds: seconds (observed as nanoseconds) or plain numbers.
    public enum Unit: Sendable { case seconds, plain }

    /// Cells of each shard.
    public let capacity: Int
    /// Exemplars of each shard.
    static let exemplarsMax = 8192
    let shards: [MetricsShard]
    let state = Mutex(State())

    /// `shards`: how many threads write; `capacity`: 64-bit cells for all metrics together.
    public init(shards: Int, capacity: Int = 16384) {
        precondition(shards > 0 && capacity > 0)
        self.capacity = capacity
        self.shards = (0..<shards).map { _ in
            MetricsShard(cells: Self.allocateCells(capacity), exemplars: Self.mapExemplars())
        }
    }

    deinit {
        for shard in shards {
            shard.cells.deinitialize(count: capacity)
            free(shard.cells)
            munmap(shard.exemplars, Self.exemplarBytes)
        }
        state.withLock { state in
            for family in state.families {
                for series in family.series {
                    if case .histogram(let histogram) = series.source { histogram.id.search.deallocate() }
                }
            }
        }
    }

    /// Zeroed cells on 128-byte blocks of their own.
    private static func allocateCells(_ count: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
        // SAFETY: an Atomic<UInt64> is 8 bytes; every cell is initialized before anybody sees it.
        let bytes = (count * 8 + 127) & ~127
        guard let memory = aligned_alloc(128, bytes) else { fatalError("out of memory: \(bytes) bytes of metrics") }
        let cells = memory.bindMemory(to: Atomic<UInt64>.self, capacity: count)
        for index in 0..<count { (cells + index).initialize(to: Atomic(0)) }
        return cells
    }

    private static var exemplarBytes: Int { exemplarsMax * ExemplarSlot.words * 8 }

    private static func mapExemplars() -> UnsafeMutablePointer<Atomic<UInt64>> {
        // SAFETY: an Atomic<UInt64> is 8 bytes, and fresh pages are zero, which is what it would be initialized to.
        let memory = mmap(nil, exemplarBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory, memory != MAP_FAILED else { fatalError("out of memory: \(exemplarBytes) bytes of exemplars") }
        return memory.bindMemory(to: Atomic<UInt64>.self, capacity: exemplarsMax * ExemplarSlot.words)
    }

    /// How many threads write.
    public var shardCount: Int { shards.count }

    /// The write handle of thread `index`, counted from 0.
    public func shard(_ index: Int) -> MetricsShard { shards[index] }

    /// The sum of one cell over the shards.
    func total(cell: UInt32) -> UInt64 {
        var sum: UInt64 = 0
        for shard in shards { sum &+= shard.cells[Int(cell)].load(ordering: .relaxed) }
        return sum
    }

    /// What a counter has counted in all shards.
    public func total(_ id: CounterID) -> UInt64 { total(cell: id.cell) }

    /// What a histogram has seen in all shards: the sum of the values (nanoseconds, of seconds), and how many.
    public func total(_ id: HistogramID) -> (sum: UInt64, count: UInt64) {
        var count: UInt64 = 0
        for bucket in 0...id.bucket(of: .max) { count &+= total(cell: id.cell + 1 + UInt32(bucket)) }
        return (total(cell: id.cell), count)
    }

    /// What a gauge stands at over all shards.
    public func total(_ id: GaugeID) -> Int64 { Int64(bitPattern: total(cell: id.cell)) }
}

extension MetricsRegistry {
    /// Everything declared so far; families in the order of their first series.
    struct State {
        var families: [Family] = []
        var familyIndex: [String: Int] = [:]
        var cellsUsed = 0
        var exemplarsUsed = 0
    }

    /// One name: its HELP, its TYPE and its series.
    struct Family {
        var name: String
        var help: String
        var type: FamilyType
        var series: [Series] = []
        var seriesIndex: [String: Int] = [:]
    }

    enum FamilyType: String { case counter, gauge, histogram }

    struct Series {
        /// `model="fraud",version="1"`, escaped; empty without labels.
        var labels: String
        var source: Source
    }

    /// Where a series' value comes from.
    enum Source {
        case counter(CounterID, Unit)
        case gauge(GaugeID)
        /// What the histogram has seen beyond one of its edges.
        case above(HistogramID, UInt64)
        case reading(@Sendable () -> Double)
        case histogram(Histogram)
        case histogramReading(edges: [Double], HistogramReading)
    }

    /// Counts by bucket, one more than there are edges, and the sum of what was counted.
    public typealias HistogramReading = @Sendable () -> (buckets: [UInt64], sum: Double)

    struct Histogram {
        var id: HistogramID
        /// As declared, in the metric's unit.
        var edges: [Double]
        var unit: Unit
    }
}
