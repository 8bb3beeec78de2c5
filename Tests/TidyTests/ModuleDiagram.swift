// The module diagram as data: what each module may import, of this package and of the ones it uses.
//
// Whoever adds an arrow adds it here and in Package.swift, and explains it in Sources/README.md.

enum ModuleDiagram {
    /// The stages of the data plane, in the order a request travels; none imports another.
    static let stages = ["Reactor", "TLS", "HTTP", "Codec", "Routing", "Batching", "Execution"]

    /// Where Foundation is banned: the stages and everything below them.
    static let dataPlane = Set(stages + ["Primitives", "Inference", "Telemetry", "JSON", "GRPC", "ModelFormat"])

    static let imports: [String: Set<String>] = [
        "Primitives": ["CLinux"],
        "JSON": ["CSimdjson", "CDecimal"],
        "Inference": ["Primitives"],
        "Telemetry": ["Primitives", "CLinux"],
        "GRPC": ["Primitives", "CZlib"],
        "Reactor": ["Primitives", "Telemetry", "CLinux"],
        "TLS": ["Primitives", "Telemetry", "COpenSSL"],
        "HTTP": ["Primitives", "Telemetry", "GRPC", "CNghttp2", "CHTTPParser", "CZlib"],
        "Codec": ["Primitives", "Inference", "JSON", "GRPC"],
        "Routing": ["Primitives", "Inference"],
        "Batching": ["Primitives", "Inference", "CLinux"],
        "Execution": ["Primitives", "Inference", "ModelFormat", "CKernels", "CLinux"],
        "ModelFormat": ["JSON"],
        "Configuration": ["Yams"],
        "Registry": [
            "Configuration", "ModelFormat", "Execution", "Inference", "JSON", "COpenSSL", "Yams", "Logging",
        ],
        "FileScoring": [
            "Primitives", "JSON", "Inference", "Codec", "Execution", "ModelFormat", "Registry", "Configuration",
        ],
        "Monitoring": [
            "Primitives", "JSON", "Inference", "Codec", "Execution", "ModelFormat", "Registry", "Configuration",
            "CKernels", "CZlib", "GRPC",
        ],
        "State": ["Registry", "Configuration", "GRDB"],
        "Admin": ["Configuration", "Registry"],
        "Rollout": ["Configuration"],
        "Simulation": ["Rollout", "Configuration"],
        "LoadTest": [
            "Primitives", "Configuration", "Registry", "Inference", "JSON", "GRPC", "TLS", "CLinux", "CNghttp2",
            "CHTTPParser", "COpenSSL", "Histogram",
        ],
        "Gateway": [
            "Primitives", "Inference", "Telemetry", "GRPC", "Reactor", "TLS", "HTTP", "Codec", "Routing", "Batching",
            "Execution", "ModelFormat", "Registry", "Rollout", "Configuration", "State", "Admin", "Monitoring",
            "CLinux", "Logging",
        ],
        "serin": [
            "Gateway", "Registry", "Rollout", "Simulation", "LoadTest", "Configuration", "Inference", "ModelFormat",
            "Execution", "State", "Admin", "FileScoring", "Monitoring",
            "CJemalloc", "ArgumentParser", "Logging",
        ],
    ]

    /// Modules of this package and of those it depends on; others (Glibc, Synchronization) are free.
    static let known = Set(imports.keys).union(imports.values.flatMap { $0 })
}
