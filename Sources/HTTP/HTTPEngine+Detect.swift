// Which HTTP a connection speaks, told by its first bytes.
//
// HTTP/2 with prior knowledge opens with "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" (RFC 9113, 3.4). A peer
// that began it is speaking HTTP/2, also when it then breaks it: it is never answered in HTTP/1.1.

import Glibc
import Primitives

extension HTTPEngine {
    static let preface: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    /// This much of the preface cannot open an HTTP/1.1 request.
    static let telling = 5

    func detect(_ connection: Connection, _ bytes: UnsafeRawPointer, _ count: Int) {
        // Bytes that do not decide yet wait in the HTTP/1.1 input; there are at most four of them.
        connection.pointee.http1.input.append(bytes, count)
        let held = connection.pointee.http1.input.count
        let pointer = UnsafeRawPointer(connection.pointee.http1.input.pointer)
        let matches = memcmp(pointer, Self.preface.utf8Start, min(held, Self.telling)) == 0
        if matches && held < Self.telling { return }
        guard matches else {
            speak(connection, .http1)
            return http1Parse(connection)
        }
        speak(connection, .http2)
        http2Open(connection)
        if connection.pointee.isDraining { http2Drain(connection) }
        http2Receive(connection, pointer, held)
        connection.pointee.http1.input.reset(keeping: 0)
    }
}
