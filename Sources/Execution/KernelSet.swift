// The instruction sets that forests are scored with.

internal import CKernels

/// Every set gives the same bits; they differ in time only.  The environment's SERIN_KERNELS (scalar,
/// avx2 or avx512; read once) limits the whole process, a `kernels` argument one forest.
public enum KernelSet: String, Sendable, CaseIterable {
    case scalar
    case avx2
    /// With VBMI, VBMI2 and VPOPCNTDQ: Ice Lake, Zen 4 and later.
    case avx512

    /// The highest that this processor has and the environment allows.
    public static var best: KernelSet { KernelSet(level: serin_level()) }

    var level: UInt32 {
        switch self {
        case .scalar: UInt32(SERIN_LEVEL_SCALAR)
        case .avx2: UInt32(SERIN_LEVEL_AVX2)
        case .avx512: UInt32(SERIN_LEVEL_AVX512)
        }
    }

    init(level: UInt32) {
        switch level {
        case UInt32(SERIN_LEVEL_AVX512): self = .avx512
        case UInt32(SERIN_LEVEL_AVX2): self = .avx2
        default: self = .scalar
        }
    }
}
