// Sums over cohorts, for rates, minimum samples and the audit log.

public struct ArmTotals: Equatable, Sendable {
    public internal(set) var requests: UInt64 = 0
    public internal(set) var late: UInt64 = 0
    public internal(set) var errors: UInt64 = 0
    public internal(set) var positives: UInt64 = 0

    mutating func add(_ counts: ArmCounts) {
        requests += UInt64(counts.requests)
        late += UInt64(counts.late)
        errors += UInt64(counts.errors)
        positives += UInt64(counts.positives)
    }
}

public struct ArmTotalsPair: Equatable, Sendable {
    public internal(set) var stable = ArmTotals()
    public internal(set) var canary = ArmTotals()

    mutating func add(_ part: CohortPart) {
        stable.add(part.stable)
        canary.add(part.canary)
    }
}

extension ArmTotals: Storable {
    func write(to snapshot: inout SnapshotWriter) {
        for count in [requests, late, errors, positives] { snapshot.write(count) }
    }

    mutating func read(from snapshot: inout SnapshotReader) throws(SnapshotError) {
        requests = try snapshot.integer()
        late = try snapshot.integer()
        errors = try snapshot.integer()
        positives = try snapshot.integer()
    }
}

extension ArmTotalsPair: Storable {
    func write(to snapshot: inout SnapshotWriter) {
        stable.write(to: &snapshot)
        canary.write(to: &snapshot)
    }

    mutating func read(from snapshot: inout SnapshotReader) throws(SnapshotError) {
        try stable.read(from: &snapshot)
        try canary.read(from: &snapshot)
    }
}
