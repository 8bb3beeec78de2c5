// Which of Serin's kernels a measurement may use.
//
// The limit is the environment's, read once by the first model that is compiled: a process measures
// one choice.

import Glibc

enum KernelChoice: String, CaseIterable {
    /// What Serin chooses on this processor.
    case best
    case avx2
    case scalar

    /// Sets the limit; before anything is compiled.
    ///
    /// A machine for scalar kernels has no AVX for OpenBLAS either, which Serin may choose for networks.
    func apply() {
        if self == .best { unsetenv("SERIN_KERNELS") } else { setenv("SERIN_KERNELS", rawValue, 1) }
        if self == .scalar { setenv("OPENBLAS_CORETYPE", "Nehalem", 1) }
    }

    /// Whether kernels of that name may run under the limit.
    func allows(_ kernels: String) -> Bool {
        switch self {
        case .best: true
        case .avx2: !kernels.contains("avx512")
        case .scalar: !kernels.contains("avx")
        }
    }
}
