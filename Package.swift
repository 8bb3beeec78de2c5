// swift-tools-version: 6.2
// The module graph of Sources/README.md: dependencies point down only, and no stage of the
// data plane imports another.  Tests/TidyTests holds this file against the diagram.
import PackageDescription

let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
    .treatAllWarnings(as: .error),
    // The data plane's state belongs to one thread: release builds do not check accesses at run time.
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

/// A Swift module of this package, with the settings all of them share.
func module(_ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
    .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: swiftSettings)
}

/// The Swift Testing target beside a module.
func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.byName(name: name)] + dependencies,
        path: "Tests/\(name)Tests", swiftSettings: swiftSettings)
}

/// A Debian library, seen through a module map.
func system(_ name: String, pkgConfig: String? = nil, apt: String) -> Target {
    .systemLibrary(name: name, path: "Sources/C/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
/// Of tests only: what the gateway's own protobuf is held against.
let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let histogram: Target.Dependency = .product(name: "Histogram", package: "hdrhistogram-swift")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "serin",
    dependencies: [
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // C, wrapped once each.
        .target(name: "CLinux", path: "Sources/C/CLinux"),
        .target(
            name: "CKernels", path: "Sources/C/CKernels",
            cSettings: [.unsafeFlags(["-O2", "-fno-math-errno", "-ffp-contract=off"])]),
        .target(
            name: "CSimdjson", path: "Sources/C/CSimdjson", linkerSettings: [.linkedLibrary("simdjson")]),
        .target(name: "CDecimal", path: "Sources/C/CDecimal"),
        system("CNghttp2", pkgConfig: "libnghttp2", apt: "libnghttp2-dev"),
        system("CHTTPParser", apt: "libhttp-parser-dev"),
        system("CJemalloc", pkgConfig: "jemalloc", apt: "libjemalloc-dev"),
        system("COpenSSL", pkgConfig: "openssl", apt: "libssl-dev"),
        system("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),

        // Shared floor.
        module("Primitives", ["CLinux"]),
        module("JSON", ["CSimdjson", "CDecimal"]),
        module("Inference", ["Primitives"]),
        module("Telemetry", ["Primitives", "CLinux"]),
        module("GRPC", ["Primitives", "CZlib"]),

        // The data plane, in the order a request travels.
        module("Reactor", ["Primitives", "Telemetry", "CLinux"]),
        module("TLS", ["Primitives", "Telemetry", "COpenSSL"]),
        module("HTTP", ["Primitives", "Telemetry", "GRPC", "CNghttp2", "CHTTPParser", "CZlib"]),
        module("Codec", ["Primitives", "Inference", "JSON", "GRPC"]),
        module("Routing", ["Primitives", "Inference"]),
        module("Batching", ["Primitives", "Inference", "CLinux"], exclude: ["Proofs"]),
        module("Execution", ["Primitives", "Inference", "ModelFormat", "CKernels", "CLinux"]),

        // The control plane.
        module("ModelFormat", ["JSON"]),
        module("Configuration", [yams]),
        module(
            "Registry", ["Configuration", "ModelFormat", "Execution", "Inference", "JSON", "COpenSSL", yams, logging]),
        module("Rollout", ["Configuration"]),
        module("Simulation", ["Rollout", "Configuration"]),

        module(
            "FileScoring",
            ["Primitives", "JSON", "Inference", "Codec", "Execution", "ModelFormat", "Registry", "Configuration"]),
        module(
            "Monitoring",
            [
                "Primitives", "JSON", "Inference", "Codec", "Execution", "ModelFormat", "Registry", "Configuration",
                "CKernels", "CZlib", "GRPC",
            ]),
        module("State", ["Registry", "Configuration", grdb]),
        module("Admin", ["Configuration", "Registry"]),
        module(
            "LoadTest",
            [
                "Primitives", "Configuration", "Registry", "Inference", "JSON", "GRPC", "TLS", "CLinux", "CNghttp2",
                "CHTTPParser", "COpenSSL", histogram,
            ]),

        // The joint, and the command.
        module(
            "Gateway",
            [
                "Primitives", "Inference", "Telemetry", "GRPC", "Reactor", "TLS", "HTTP", "Codec", "Routing",
                "Batching",
                "Execution", "ModelFormat", "Registry", "Rollout", "Configuration", "State", "Admin", "Monitoring",
                "CLinux", logging,
            ]),
        .executableTarget(
            name: "serin",
            dependencies: [
                "Gateway", "Registry", "Rollout", "Simulation", "LoadTest", "Configuration", "Inference",
                "ModelFormat", "Execution", "State", "Admin", "FileScoring", "Monitoring", "CJemalloc", arguments,
                logging,
            ],
            swiftSettings: swiftSettings),

        // Benchmarks/scoring: Serin beside other libraries.
        .target(name: "CPeers", path: "Benchmarks/scoring/CPeers"),
        .executableTarget(
            name: "scoring", dependencies: ["CPeers", "Execution", "Inference", "ModelFormat", arguments],
            path: "Benchmarks/scoring/harness", swiftSettings: swiftSettings),
        // Benchmarks/counting: the guard's counters.
        .executableTarget(
            name: "counting", dependencies: ["Rollout", "Monitoring", "Registry", "Inference"],
            path: "Benchmarks/counting/harness",
            swiftSettings: swiftSettings),

        // Benchmarks/lane: what the reactor's own lane adds to a request.
        .executableTarget(
            name: "lane", dependencies: ["Batching", "Inference", "Primitives"], path: "Benchmarks/lane/harness",
            swiftSettings: swiftSettings),

        // Benchmarks/routing: what a routing decision costs.
        .executableTarget(
            name: "routing", dependencies: ["Routing", "Primitives"], path: "Benchmarks/routing/harness",
            swiftSettings: swiftSettings),

        // Tests beside each module.
        .target(name: "FuzzSupport", path: "Tests/FuzzSupport", swiftSettings: swiftSettings),
        tests("Primitives"),
        tests("JSON", ["FuzzSupport", "CDecimal"]),
        tests("Inference"),
        tests("Telemetry"),
        tests("GRPC", ["FuzzSupport", "Primitives"]),
        tests("Reactor", ["Primitives"]),
        tests("TLS", ["FuzzSupport", "Primitives", "Telemetry", "COpenSSL"]),
        tests("HTTP", ["FuzzSupport", "Primitives", "GRPC", "CNghttp2", "CZlib"]),
        tests("Codec", ["FuzzSupport", "Inference", "Primitives", "JSON", "GRPC", protobuf]),
        tests("Routing", ["Inference", "Primitives"]),
        tests("Batching", ["Inference", "Primitives", "CLinux"]),
        tests("Execution", ["FuzzSupport", "ModelFormat", "Inference", "JSON", "CKernels"]),
        tests("ModelFormat"),
        tests("Configuration"),
        tests("State", ["Registry", grdb]),
        tests("Admin", ["Configuration", "Registry"]),
        tests("Registry", ["Configuration", "FuzzSupport", "Inference", "ModelFormat", "Execution"]),
        tests("FileScoring", ["Primitives"]),
        tests("Monitoring", ["CKernels", "Configuration", "FuzzSupport", "Inference", "Primitives", "Registry"]),
        tests("Rollout", ["Configuration"]),
        tests("LoadTest", ["Configuration", "Registry", "Inference", "Primitives"]),
        tests("Simulation", ["Rollout", "Configuration"]),
        tests(
            "Gateway",
            [
                "Batching", "Configuration", "Execution", "HTTP", "Inference", "Primitives", "Reactor", "Registry",
                "Rollout", "Telemetry", "COpenSSL", logging,
            ]),

        // The repository itself: imports, lengths, names.
        .testTarget(name: "TidyTests", path: "Tests/TidyTests", swiftSettings: swiftSettings),
    ],
    cxxLanguageStandard: .cxx17
)

// jemalloc would take the sanitizers' place: what `make sanitize-serving` builds does without it.
if Context.environment["SERIN_SANITIZED"] != nil {
    package.targets.first { $0.name == "serin" }?.dependencies.removeAll { dependency in
        if case .byNameItem("CJemalloc", _) = dependency { true } else { false }
    }
}
