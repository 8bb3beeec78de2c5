// Images of the shipped models, made once for all tests of a process: compiling them takes seconds under the sanitizers.

import Foundation

enum ImageFolder {
    /// Goes with the process.
    static let path: String = {
        atexit { try? FileManager.default.removeItem(atPath: ImageFolder.path) }
        return FileManager.default.temporaryDirectory.appending(path: "serin-images-\(getpid())").path()
    }()
}
