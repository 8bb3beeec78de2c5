// libnghttp2 as a client: requests handed over without a copy, answers told to their slots.
//
// A stream's user data is its slot's index plus one, so a slot that was given up (nil) hears nothing more.

internal import CNghttp2
internal import Primitives

enum HTTP2Client {
    /// A session that has sent nothing yet; nil: no memory.
    static func session(_ connection: ClientConnection) -> OpaquePointer? {
        var (callbacks, session): (OpaquePointer?, OpaquePointer?) = (nil, nil)
        nghttp2_session_callbacks_new(&callbacks)
        defer { nghttp2_session_callbacks_del(callbacks) }
        nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            _, frame, name, nameCount, value, valueCount, _, user in
            let id = frame.unsafelyUnwrapped.pointee.hd.stream_id
            HTTP2Client.connection(user).client.field(
                HTTP2Client.connection(user), id, UnsafeRawBufferPointer(start: name, count: nameCount),
                UnsafeRawBufferPointer(start: value, count: valueCount))
            return 0
        }
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) { session, _, id, bytes, count, user in
            let client = HTTP2Client.connection(user).client
            if let slot = HTTP2Client.slot(session, id, client) {
                client.received(slot, UnsafeRawBufferPointer(start: bytes, count: count))
            }
            return 0
        }
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, user in
            if UInt32(frame.unsafelyUnwrapped.pointee.hd.type) == NGHTTP2_SETTINGS.rawValue {
                HTTP2Client.connection(user).settled()
            }
            return 0
        }
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { session, id, code, user in
            let client = HTTP2Client.connection(user).client
            if let slot = HTTP2Client.slot(session, id, client) {
                client.ended(slot, isWhole: code == NGHTTP2_NO_ERROR.rawValue)
            }
            return 0
        }
        nghttp2_session_client_new(&session, callbacks, Unmanaged.passUnretained(connection).toOpaque())
        var settings = [
            nghttp2_settings_entry(settings_id: Int32(NGHTTP2_SETTINGS_ENABLE_PUSH.rawValue), value: 0),
            nghttp2_settings_entry(settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue), value: 1 << 20),
        ]
        nghttp2_submit_settings(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), &settings, settings.count)
        nghttp2_session_set_local_window_size(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, 1 << 24)
        return session
    }

    private static func connection(_ user: UnsafeMutableRawPointer?) -> ClientConnection {
        // SAFETY: the session is deleted before its connection, and calls back only while the connection calls it.
        Unmanaged<ClientConnection>.fromOpaque(user.unsafelyUnwrapped).takeUnretainedValue()
    }

    private static func slot(_ session: OpaquePointer?, _ id: Int32, _ client: ClassClient) -> Int? {
        let tag = Int(bitPattern: nghttp2_session_get_stream_user_data(session, id))
        return tag == 0 ? nil : tag - 1
    }

    /// The slot of a stream whose field came.
    static func slot(_ connection: ClientConnection, _ id: Int32) -> Int? {
        connection.session.flatMap { slot($0, id, connection.client) }
    }

    /// Sends a request; false: the session takes no more.
    static func submit(_ connection: ClientConnection, slot index: Int, _ prepared: RequestSet.Prepared) -> Bool {
        guard let session = connection.session else { return false }
        let tag = UnsafeMutableRawPointer(bitPattern: index + 1)
        var provider = nghttp2_data_provider()
        provider.source.ptr = UnsafeMutableRawPointer(connection.client.slots + index)
        provider.read_callback = { _, id, buffer, room, flags, source, user in
            HTTP2Client.read(
                HTTP2Client.connection(user).client,
                source.unsafelyUnwrapped.pointee.ptr.assumingMemoryBound(to: RequestSlot.self), id,
                UnsafeMutableRawPointer(buffer.unsafelyUnwrapped), room, flags.unsafelyUnwrapped)
        }
        let (fields, count) = (prepared.fields, prepared.fieldCount)
        let id =
            prepared.body.count > 0
            ? nghttp2_submit_request(session, nil, fields, count, &provider, tag)
            : nghttp2_submit_request(session, nil, fields, count, nil, tag)
        guard id > 0 else { return false }
        connection.client.slots[index].stream = id
        return true
    }

    /// Copies the next piece of a request's body.
    private static func read(
        _ client: ClassClient, _ slot: UnsafeMutablePointer<RequestSlot>, _ id: Int32,
        _ buffer: UnsafeMutableRawPointer, _ room: Int, _ flags: UnsafeMutablePointer<UInt32>
    ) -> Int {
        // The slot was given up and may hold another request by now.
        guard slot.pointee.isLive, slot.pointee.stream == id else {
            return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
        }
        let body = client.requests.prepared[Int(slot.pointee.request)].body
        let count = min(room, body.count - slot.pointee.bodySent)
        if count > 0, let base = body.baseAddress {
            buffer.copyMemory(from: base + slot.pointee.bodySent, byteCount: count)
        }
        slot.pointee.bodySent += count
        if slot.pointee.bodySent == body.count { flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue }
        return count
    }

    /// Gives a request up.
    static func cancel(_ connection: ClientConnection, stream: Int32) {
        guard let session = connection.session else { return }
        nghttp2_session_set_stream_user_data(session, stream, nil)
        nghttp2_submit_rst_stream(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream, NGHTTP2_CANCEL.rawValue)
    }

    /// Appends what the session has to send, up to 128 KiB; false: it has failed.
    static func collect(_ session: OpaquePointer, into out: inout GrowableBuffer) -> Bool {
        while out.count < 128 << 10 {
            var bytes: UnsafePointer<UInt8>?
            let count = nghttp2_session_mem_send(session, &bytes)
            if count < 0 { return false }
            guard count > 0, let bytes else { return true }
            out.append(bytes, count)
        }
        return true
    }
}
