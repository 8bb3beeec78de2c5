// OpenSSL's error queue in words.

import COpenSSL

enum OpenSSLError {
    /// The reason of the latest error, as OpenSSL words it; the queue is emptied.
    static func text() -> String {
        let code = ERR_peek_last_error()
        ERR_clear_error()
        return ERR_reason_error_string(code).map { String(cString: $0) } ?? "no reason given"
    }
}
