// OpenBLAS, where the machine has it: a matrix product for batches that the kernels here may lose to.
//
// Nothing links against it.  The first pipeline with a layer that is large enough opens the library,
// with one thread (a reactor or an executor is the thread); without it, or when the configuration
// says `kernels.openblas: false`, the kernels here compute everything, the same within 1e-6.

internal import CKernels
internal import Glibc
internal import Synchronization

/// Whether pipelines that are loaded from now on may use OpenBLAS.
public enum DenseLibrarySwitch {
    private static let isOff = Atomic<Bool>(false)

    public static func turnOff() { isOff.store(true, ordering: .relaxed) }

    static var isOn: Bool { !isOff.load(ordering: .relaxed) }
}

struct DenseLibrary: Sendable {
    let sgemm: serin_sgemm
    let dgemm: serin_dgemm

    /// nil: there is none, or it is switched off.
    static var current: DenseLibrary? { DenseLibrarySwitch.isOn ? opened : nil }

    private static let opened = DenseLibrary()

    private init?() {
        // Read once, when the library is loaded: without it a thread a core would be started.
        setenv("OPENBLAS_NUM_THREADS", "1", 0)
        guard let library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL) else { return nil }
        guard let sgemm = dlsym(library, "cblas_sgemm"), let dgemm = dlsym(library, "cblas_dgemm") else { return nil }
        // SAFETY: CBLAS fixes these signatures; the library stays open for good.
        self.sgemm = unsafeBitCast(sgemm, to: serin_sgemm.self)
        self.dgemm = unsafeBitCast(dgemm, to: serin_dgemm.self)
        if let threads = dlsym(library, "openblas_set_num_threads") {
            unsafeBitCast(threads, to: (@convention(c) (Int32) -> Void).self)(1)
        }
    }
}
