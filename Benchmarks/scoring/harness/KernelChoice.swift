// Which of Serin's kernels a measurement may use.

enum KernelChoice: String, CaseIterable {
    /// What Serin chooses on this processor.
    case best
    case avx2
    case scalar
}
