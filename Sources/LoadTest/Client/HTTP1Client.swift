// HTTP/1.1 as a client: one request at a time on a connection, answers read by http-parser.

internal import CHTTPParser
internal import Primitives

/// An answer that is being read.
struct HTTP1Answer {
    /// The slot that waits for it; -1: nobody does.
    var slot = -1
    var name: [UInt8] = []
    var value: [UInt8] = []
    var isInValue = false
    /// The server keeps the connection no longer.
    var mustClose = false
}

enum HTTP1Client {
    static let settings: http_parser_settings = {
        var settings = http_parser_settings()
        http_parser_settings_init(&settings)
        settings.on_header_field = { parser, bytes, count in
            let connection = HTTP1Client.connection(parser)
            if connection.http1.isInValue { HTTP1Client.endField(connection) }
            for index in 0..<count {
                let byte = UInt8(bitPattern: bytes.unsafelyUnwrapped[index])
                connection.http1.name.append(byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte)
            }
            return 0
        }
        settings.on_header_value = { parser, bytes, count in
            let connection = HTTP1Client.connection(parser)
            connection.http1.isInValue = true
            connection.http1.value += UnsafeRawBufferPointer(start: bytes, count: count)
            return 0
        }
        settings.on_headers_complete = { parser in
            let connection = HTTP1Client.connection(parser)
            if connection.http1.isInValue { HTTP1Client.endField(connection) }
            if connection.http1.slot >= 0 {
                connection.client.slots[connection.http1.slot].status = Int32(
                    parser.unsafelyUnwrapped.pointee.status_code)
            }
            return connection.client.entry.method == "HEAD" ? 1 : 0
        }
        settings.on_body = { parser, bytes, count in
            let connection = HTTP1Client.connection(parser)
            if connection.http1.slot >= 0 {
                connection.client.received(
                    connection.http1.slot, UnsafeRawBufferPointer(start: bytes, count: count))
            }
            return 0
        }
        settings.on_message_complete = { parser in
            let connection = HTTP1Client.connection(parser)
            // 100 Continue and its like come before the answer.
            if parser.unsafelyUnwrapped.pointee.status_code < 200 { return 0 }
            if http_should_keep_alive(parser) == 0 {
                connection.http1.mustClose = true
                connection.isLeaving = true
            }
            let slot = connection.http1.slot
            connection.http1.slot = -1
            if slot >= 0 { connection.client.ended(slot, isWhole: true) }
            return 0
        }
        return settings
    }()

    private static func connection(_ parser: UnsafeMutablePointer<http_parser>?) -> ClientConnection {
        // SAFETY: the parser belongs to the connection, which alone runs it.
        Unmanaged<ClientConnection>.fromOpaque(parser.unsafelyUnwrapped.pointee.data).takeUnretainedValue()
    }

    /// A field is whole.
    private static func endField(_ connection: ClientConnection) {
        connection.http1.name.withUnsafeBytes { name in
            connection.http1.value.withUnsafeBytes { value in
                if connection.http1.slot >= 0 { connection.client.field(connection.http1.slot, name, value) }
            }
        }
        connection.http1.name.removeAll(keepingCapacity: true)
        connection.http1.value.removeAll(keepingCapacity: true)
        connection.http1.isInValue = false
    }

    private static let lineEnd: [UInt8] = [0x0d, 0x0a]

    /// Writes a request behind what the connection has to send.
    static func submit(_ connection: ClientConnection, slot index: Int, _ prepared: RequestSet.Prepared) {
        connection.http1.slot = index
        if let head = prepared.head.baseAddress { connection.out.append(head, prepared.head.count) }
        let key = Int(connection.client.slots[index].key)
        if key >= 0, let value = connection.client.requests.keys[key].baseAddress {
            let field = connection.client.requests.keyField
            connection.out.append(field, field.count)
            connection.out.append(value, connection.client.requests.keys[key].count)
            connection.out.append(lineEnd, lineEnd.count)
        }
        connection.out.append(lineEnd, lineEnd.count)
        if let body = prepared.body.baseAddress { connection.out.append(body, prepared.body.count) }
    }
}
