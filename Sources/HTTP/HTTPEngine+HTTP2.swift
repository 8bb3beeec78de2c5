// HTTP/2 over libnghttp2: one session a connection, fed and drained in memory.

import CNghttp2
import Glibc
import Primitives

extension HTTPEngine {
    // MARK: Open and drain

    func http2Open(_ connection: Connection) {
        var session: OpaquePointer?
        nghttp2_session_server_new3(&session, callbacks, connection, options, &memory)
        connection.pointee.session = session
        var settings: InlineArray<4, nghttp2_settings_entry> = [
            .init(settings_id: Int32(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue), value: UInt32(limits.streams)),
            .init(
                settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue),
                value: UInt32(limits.streamWindow)),
            .init(
                settings_id: Int32(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue), value: UInt32(limits.headerBytes)),
            .init(settings_id: Int32(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES.rawValue), value: 1),
        ]
        withUnsafePointer(to: &settings) { pointer in
            let entries = UnsafeRawPointer(pointer).assumingMemoryBound(to: nghttp2_settings_entry.self)
            _ = nghttp2_submit_settings(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), entries, 4)
        }
        nghttp2_session_set_local_window_size(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, Int32(limits.connectionWindow))
    }

    /// First a notice that promises nothing, then, when the peer must have seen it, the last stream. A peer that has asked
    /// nothing yet is told with its first request: one that has just connected has that on its way, and clients drop
    /// what they have not written when a notice overtakes it (h2load over TLS lost a connection's in every second drain).
    func http2Drain(_ connection: Connection) {
        connection.pointee.noticedAt = now
        connection.pointee.owesNotice = nghttp2_session_get_last_proc_stream_id(connection.pointee.session) == 0
        if !connection.pointee.owesNotice { http2Notice(connection) }
    }

    func http2Notice(_ connection: Connection) {
        connection.pointee.owesNotice = false
        connection.pointee.noticedAt = now
        nghttp2_submit_shutdown_notice(connection.pointee.session)
        nghttp2_submit_ping(connection.pointee.session, UInt8(NGHTTP2_FLAG_NONE.rawValue), nil)
    }

    func http2NoticeAnswered(_ connection: Connection) {
        guard connection.pointee.noticedAt != 0, !connection.pointee.owesNotice else { return }
        connection.pointee.noticedAt = 0
        http2GoAway(connection)
    }

    func http2GoAway(_ connection: Connection) {
        let session = connection.pointee.session
        let last = nghttp2_session_get_last_proc_stream_id(session)
        nghttp2_submit_goaway(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), last, UInt32(NGHTTP2_NO_ERROR.rawValue), nil, 0)
    }

    /// Resets a stream that hangs where nothing can be answered.
    func http2Cancel(_ stream: Stream) {
        nghttp2_submit_rst_stream(
            stream.pointee.connection.pointee.session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream.pointee.id,
            UInt32(NGHTTP2_CANCEL.rawValue))
    }

    // MARK: Bytes

    func http2Receive(_ connection: Connection, _ bytes: UnsafeRawPointer, _ count: Int) {
        let held = connection.pointee.heldInput.count
        let taken = held > 0 ? 0 : http2Take(connection, UnsafeRawBufferPointer(start: bytes, count: count))
        if taken < count, !connection.pointee.isEnding {
            connection.pointee.heldInput.append(bytes + taken, count - taken)
            outputReady(connection)
        }
    }

    /// Goes on with bytes that an earlier turn left; there is no more to read from the socket until they are gone.
    func http2Resume(_ connection: Connection) {
        let held = connection.pointee.heldInput.bytes
        let taken = http2Take(connection, held)
        if connection.pointee.isEnding { return }
        let left = held.count - taken
        let base = connection.pointee.heldInput.pointer
        memmove(base, base + taken, left)
        connection.pointee.heldInput.count = left
        if left == 0 { connection.pointee.heldInput.reset(keeping: 0) }
        outputReady(connection)
    }

    /// A SETTINGS frame has been taken. Where it overruns the window of a stream, the library resets that stream; it
    /// is an error of the connection (RFC 9113, 6.9.2). The acknowledgment is one frame, and each reset another.
    static func http2CheckWindows(_ connection: Connection) {
        let before = connection.pointee.queuedBefore
        connection.pointee.queuedBefore = .max
        let session = connection.pointee.session
        if before == .max || nghttp2_session_get_outbound_queue_size(session) <= before + 1 { return }
        nghttp2_session_terminate_session(session, NGHTTP2_FLOW_CONTROL_ERROR.rawValue)
    }

    /// Gathers libnghttp2's frames, which come one at a time, until `room` is full.
    func http2Produce(_ connection: Connection, _ into: UnsafeMutableRawPointer, _ room: Int) -> Int {
        var filled = 0
        while filled < room {
            if connection.pointee.chunkCount == 0 {
                var chunk: UnsafePointer<UInt8>?
                let count = nghttp2_session_mem_send(connection.pointee.session, &chunk)
                if count < 0 { connection.pointee.isEnding = true }
                // Sending finds resets that the peer has provoked.
                if connection.pointee.isOverBudget || connection.pointee.isWarned { enforce(connection) }
                if count <= 0 { break }
                connection.pointee.chunk = chunk
                connection.pointee.chunkCount = count
            }
            let count = min(connection.pointee.chunkCount, room - filled)
            memcpy(into + filled, connection.pointee.chunk.unsafelyUnwrapped, count)
            connection.pointee.chunk = connection.pointee.chunk.unsafelyUnwrapped + count
            connection.pointee.chunkCount -= count
            filled += count
        }
        return filled
    }

    // MARK: Respond

    /// Fields of every response: status, type, length, date; then the handler's.
    private static let ownFieldCount = 4

    func http2Respond(_ stream: Stream, contentType: StaticString, fields: UnsafeBufferPointer<HTTPField>) {
        // Values live in `head` until libnghttp2 has packed them, which may be after this round.
        stream.pointee.head.reset()
        stream.pointee.head.reserve(64 + TraceParent.byteCount + fields.reduce(0) { $0 + $1.value.count })
        packed[0] =
            stream.pointee.status == 200
            ? field(":status", "200") : field(stream, ":status", decimal: stream.pointee.status, isVolatile: false)
        packed[1] = field("content-type", contentType)
        packed[2] = field(stream, "content-length", decimal: stream.pointee.responseBody.count, isVolatile: true)
        // Packed later, it is the date of then.
        packed[3] = field("date", UnsafeRawPointer(date.text), HTTPDate.count, isVolatile: false)
        var count = Self.ownFieldCount
        let isTabling = tablesVolatile(stream.pointee.connection)
        for extra in fields {
            packed[count] = field(stream, copy: extra, isTabling: isTabling)
            count += 1
        }
        stream.pointee.trace.withBytes { text in
            guard let text else { return }
            packed[count] = field(stream, copy: HTTPField("traceparent", text, isVolatile: true), isTabling: isTabling)
            count += 1
        }
        let isBodiless = stream.pointee.method == .head || stream.pointee.responseBody.count == 0
        var provider = nghttp2_data_provider()
        provider.source.ptr = UnsafeMutableRawPointer(stream)
        provider.read_callback = { session, _, into, room, flags, source, _ in
            HTTPEngine.readBody(session, source, into, room, flags)
        }
        let session = stream.pointee.connection.pointee.session
        if isBodiless {
            nghttp2_submit_response(session, stream.pointee.id, packed, count, nil)
        } else {
            nghttp2_submit_response(session, stream.pointee.id, packed, count, &provider)
        }
    }

    private static func readBody(
        _ session: OpaquePointer?, _ source: UnsafeMutablePointer<nghttp2_data_source>?,
        _ into: UnsafeMutablePointer<UInt8>?, _ room: Int,
        _ flags: UnsafeMutablePointer<UInt32>?
    ) -> Int {
        let stream = source.unsafelyUnwrapped.pointee.ptr.assumingMemoryBound(to: HTTPStream.self)
        let left = stream.pointee.responseBody.count - stream.pointee.sent
        let count = min(left, room)
        memcpy(into.unsafelyUnwrapped, stream.pointee.responseBody.pointer + stream.pointee.sent, count)
        stream.pointee.sent += count
        guard count == left else { return count }
        flags.unsafelyUnwrapped.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
        if stream.pointee.isEarly {
            nghttp2_submit_rst_stream(
                session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream.pointee.id, UInt32(NGHTTP2_NO_ERROR.rawValue))
        }
        return count
    }

    @inline(__always)
    func field(_ name: StaticString, _ value: StaticString) -> nghttp2_nv {
        field(name, UnsafeRawPointer(value.utf8Start), value.utf8CodeUnitCount, isVolatile: false)
    }

    @inline(__always)
    func field(
        _ name: StaticString, _ value: UnsafeRawPointer, _ count: Int, isVolatile: Bool
    ) -> nghttp2_nv {
        var flags = NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue | NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue
        if isVolatile { flags |= NGHTTP2_NV_FLAG_NO_INDEX.rawValue }
        return nghttp2_nv(
            name: UnsafeMutablePointer(mutating: name.utf8Start),
            value: UnsafeMutablePointer(mutating: value.assumingMemoryBound(to: UInt8.self)),
            namelen: name.utf8CodeUnitCount, valuelen: count, flags: UInt8(flags))
    }

    /// A field whose number is written into the stream's `head`, which has room.
    private func field(_ stream: Stream, _ name: StaticString, decimal: Int, isVolatile: Bool) -> nghttp2_nv {
        let start = stream.pointee.head.count
        let place = stream.pointee.head.pointer + start
        let count = Decimal.write(decimal, to: place)
        stream.pointee.head.count = start + count
        return field(name, place, count, isVolatile: isVolatile)
    }

    /// A field whose value is copied into the stream's `head`, which has room.
    func field(_ stream: Stream, copy extra: HTTPField, isTabling: Bool) -> nghttp2_nv {
        let start = stream.pointee.head.count
        stream.pointee.head.append(extra.value)
        return field(
            extra.name, stream.pointee.head.pointer + start, extra.value.count,
            isVolatile: extra.isVolatile && !isTabling)
    }

    /// Whether this response puts its volatile fields into HPACK's table: one does every few seconds, so that all
    /// others find the name there.  In less time than that nothing else can push it out.
    func tablesVolatile(_ connection: Connection) -> Bool {
        guard now >= connection.pointee.tabledAt + HTTPLimits.tablingNanos || connection.pointee.tabledAt == 0 else {
            return false
        }
        connection.pointee.tabledAt = now
        return true
    }
}
