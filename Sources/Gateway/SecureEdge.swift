// The TLS port's certificates and rules as they are now, and how they are replaced while it serves.
//
//     files or configuration change ─► read all ─► build a generation ─► publish it
//                                           └─ wrong: log file and reason, keep the old one, count it
//
// The main thread owns it; reactors only see `published`.

public import Configuration
import Glibc
import Logging
import Primitives
import Synchronization
import TLS
import Telemetry

final class SecureEdge {
    let published: Published<TLSContext>
    let metrics: TLSMetrics
    private let registry: MetricsRegistry
    private var configuration: TLSConfiguration
    private var marks: [TLSFiles.Mark]
    /// Warnings that have been logged and still hold.
    private var warned: Set<String> = []
    private let counts = ReloadCounts()

    /// Throws what is wrong with the files.
    init(_ configuration: TLSConfiguration, _ registry: MetricsRegistry) throws {
        self.configuration = configuration
        self.registry = registry
        marks = TLSFiles.marks(configuration)
        published = Published(try TLSContext(TLSFiles.settings(configuration)))
        metrics = try TLSMetrics(registry)
        let (name, help) = ("serin_tls_reloads_total", "Times the TLS port's certificates and rules were read again.")
        let counts = counts
        try registry.counter(name, help, labels: [("outcome", "ok")]) {
            Double(counts.applied.load(ordering: .relaxed))
        }
        try registry.counter(name, help, labels: [("outcome", "refused")]) {
            Double(counts.refused.load(ordering: .relaxed))
        }
        try declareExpiries()
    }

    /// When each certificate expires; one that is not used any more reads as not a number.
    private func declareExpiries() throws(MetricsError) {
        for certificate in published.load().value.certificates {
            let (published, file) = (published, certificate.file)
            try registry.gauge(
                "serin_tls_certificate_expiry_seconds", "When the certificate expires, in seconds since 1970.",
                labels: [("certificate", file)]
            ) {
                let current = published.load().value.certificates.first { $0.file == file }
                return current.map { Double($0.notAfter) } ?? .nan
            }
        }
    }

    // MARK: Changes

    /// A generation of this configuration and its files as they are now; throws what is wrong with them.
    func prepare(_ new: TLSConfiguration) throws -> Prepared {
        // Marks first: a file that changes while it is read is read again.
        let marks = TLSFiles.marks(new)
        do {
            let context = try TLSContext(TLSFiles.settings(new), previous: published.load().value)
            return Prepared(configuration: new, marks: marks, context: context)
        } catch {
            counts.refused.add(1, ordering: .relaxed)
            throw error
        }
    }

    struct Prepared {
        fileprivate let configuration: TLSConfiguration
        fileprivate let marks: [TLSFiles.Mark]
        fileprivate let context: TLSContext
    }

    /// New connections get this generation from now on.
    func apply(_ prepared: Prepared, _ logger: Logger) {
        configuration = prepared.configuration
        marks = prepared.marks
        published.replace(prepared.context)
        counts.applied.add(1, ordering: .relaxed)
        do { try declareExpiries() } catch { logger.warning("a certificate's expiry is not in the metrics: \(error)") }
        warn(logger)
    }

    /// Reads the files again if one of them has changed; warns of what has expired meanwhile.
    func look(_ logger: Logger) {
        let now = TLSFiles.marks(configuration)
        if now != marks {
            marks = now
            do {
                apply(try prepare(configuration), logger)
                logger.info("TLS files have changed: new connections use them")
            } catch {
                logger.error("TLS files have changed and are refused, the old ones stay: \(error)")
            }
        }
        warn(logger)
    }

    /// Logs what an operator should know, once.
    func warn(_ logger: Logger) {
        let problems = Self.problems(published.load().value, configuration) + published.load().value.shadowed
        for problem in problems where !warned.contains(problem) { logger.warning("\(problem)") }
        warned = Set(problems)
    }

    /// What is wrong though it serves.
    static func problems(_ context: TLSContext, _ configuration: TLSConfiguration) -> [String] {
        context.expiries(at: Int64(time(nil))) + TLSFiles.weakPermissions(configuration)
    }
}

private final class ReloadCounts: Sendable {
    let applied = Atomic<Int>(0)
    let refused = Atomic<Int>(0)
}

/// For `serin serve --check`: what a start would refuse or warn of.
public enum TLSCheck {
    /// One sentence for each problem; empty: none.
    public static func problems(_ configuration: TLSConfiguration) -> [String] {
        do {
            return SecureEdge.problems(try TLSContext(TLSFiles.settings(configuration)), configuration)
        } catch {
            return ["\(error)"]
        }
    }
}
