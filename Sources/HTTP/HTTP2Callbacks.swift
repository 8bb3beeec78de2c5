// What libnghttp2 tells about: header blocks, fields, data, the end of frames and of streams.
//
// No callback calls back into the library's `mem_recv` or `mem_send`, which is forbidden; submitting
// a response or a reset only queues it. The user data is the `HTTPConnection`.
//
// A field costs a few comparisons: only the names somebody reads are looked for, by length first.

import CNghttp2
import Primitives

enum HTTP2Callbacks {
    static func make() -> OpaquePointer? {
        var callbacks: OpaquePointer?
        nghttp2_session_callbacks_new(&callbacks)
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, user in
            HTTP2Callbacks.beginHeaders(frame.unsafelyUnwrapped, user.unsafelyUnwrapped)
        }
        nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            _, frame, name, nameCount, value, valueCount, _, user in
            HTTP2Callbacks.header(
                frame.unsafelyUnwrapped, name.unsafelyUnwrapped, nameCount, value.unsafelyUnwrapped, valueCount,
                user.unsafelyUnwrapped)
        }
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) { _, _, id, bytes, count, user in
            HTTP2Callbacks.data(HTTP2Callbacks.connection(user.unsafelyUnwrapped), id, bytes.unsafelyUnwrapped, count)
        }
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, user in
            HTTP2Callbacks.frame(HTTP2Callbacks.connection(user.unsafelyUnwrapped), frame.unsafelyUnwrapped)
        }
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, user in
            let connection = HTTP2Callbacks.connection(user.unsafelyUnwrapped)
            let frame = frame.unsafelyUnwrapped
            switch UInt32(frame.pointee.hd.type) {
            case NGHTTP2_RST_STREAM.rawValue: HTTP2Callbacks.resetSent(connection, frame)
            case NGHTTP2_HEADERS.rawValue: HTTP2Callbacks.fieldsSent(connection, frame)
            default: break
            }
            return 0
        }
        nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks) { _, _, code, user in
            // A refused stream is counted when its reset is sent.
            if code == NGHTTP2_ERR_REFUSED_STREAM.rawValue { return 0 }
            let connection = HTTP2Callbacks.connection(user.unsafelyUnwrapped)
            HTTP2Callbacks.withEngine(connection) { $0.spend(connection, .invalidFrame) }
            return 0
        }
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, id, code, user in
            HTTP2Callbacks.streamClosed(HTTP2Callbacks.connection(user.unsafelyUnwrapped), id, code)
        }
        return callbacks
    }

    static func makeOptions() -> OpaquePointer? {
        var options: OpaquePointer?
        nghttp2_option_new(&options)
        // Closed streams are only kept for the priority tree of RFC 7540, which is off.
        nghttp2_option_set_no_closed_streams(options, 1)
        // HTTP2Message has the rules for messages.
        nghttp2_option_set_no_http_messaging(options, 1)
        // Windows are given back as memory allows: `openWindow`.
        nghttp2_option_set_no_auto_window_update(options, 1)
        return options
    }

    @inline(__always)
    private static func connection(_ user: UnsafeMutableRawPointer) -> UnsafeMutablePointer<HTTPConnection> {
        user.assumingMemoryBound(to: HTTPConnection.self)
    }

    /// The stream of an identifier. Frames of one request mostly follow each other, and streams mostly end
    /// in order, so the newest and the oldest are tried before libnghttp2's table.
    @inline(__always)
    private static func stream(
        _ connection: UnsafeMutablePointer<HTTPConnection>, _ id: Int32
    ) -> UnsafeMutablePointer<HTTPStream>? {
        if let newest = connection.pointee.lastStream, newest.pointee.id == id { return newest }
        if let oldest = connection.pointee.firstStream, oldest.pointee.id == id { return oldest }
        return nghttp2_session_get_stream_user_data(connection.pointee.session, id)?
            .assumingMemoryBound(to: HTTPStream.self)
    }

    /// The engine of a connection, without counting a reference.
    @inline(__always)
    static func withEngine<Result>(
        _ connection: UnsafeMutablePointer<HTTPConnection>, _ body: (HTTPEngine) -> Result
    ) -> Result {
        Unmanaged<HTTPEngine>.fromOpaque(connection.pointee.engine.unsafelyUnwrapped)._withUnsafeGuaranteedRef(body)
    }

    private static func beginHeaders(_ frame: UnsafePointer<nghttp2_frame>, _ user: UnsafeMutableRawPointer) -> Int32 {
        // Trailers open a header block too: their stream exists already.
        guard frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST else { return 0 }
        let connection = connection(user)
        withEngine(connection) { engine in
            let stream = engine.begin(connection, id: frame.pointee.hd.stream_id)
            connection.pointee.headerStream = stream
            nghttp2_session_set_stream_user_data(connection.pointee.session, stream.pointee.id, stream)
            connection.pointee.budget.opened(engine.rates)
            if connection.pointee.owesNotice { engine.http2Notice(connection) }
            if connection.pointee.queuedBytes > engine.limits.outputBytes * HTTPLimits.outputFactor {
                stream.pointee.fault = .outputFull
            }
        }
        return 0
    }

    private static func header(
        _ frame: UnsafePointer<nghttp2_frame>, _ name: UnsafePointer<UInt8>, _ nameCount: Int,
        _ value: UnsafePointer<UInt8>, _ valueCount: Int, _ user: UnsafeMutableRawPointer
    ) -> Int32 {
        let connection = connection(user)
        // Trailers count with the fields before them, and nobody reads them.
        let isRequest = frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST
        guard let stream = isRequest ? connection.pointee.headerStream : stream(connection, frame.pointee.hd.stream_id)
        else { return 0 }
        let bytes = UnsafeRawBufferPointer(start: value, count: valueCount)
        guard stream.pointee.message.takes(name, nameCount, bytes, isTrailer: !isRequest) else {
            resetMalformed(connection, stream)
            // The rest of the block is unpacked, and told to nobody.
            return Int32(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
        }
        let limit = withEngine(connection) { $0.limits.headerBytes }
        stream.pointee.headerBytes += nameCount + valueCount + 32
        if stream.pointee.headerBytes > limit {
            stream.pointee.fault = .tooLarge
            if !isRequest || stream.pointee.headerBytes > limit * HTTPLimits.headerBytesFactor {
                withEngine(connection) { $0.cutHeaderList(connection) }
                return Int32(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
            }
            return 0
        }
        if isRequest { HTTPHead.field(stream, name, nameCount, bytes) }
        return 0
    }

    /// RFC 9113, 8.1.1: a malformed request is an error of its stream.
    private static func resetMalformed(
        _ connection: UnsafeMutablePointer<HTTPConnection>, _ stream: UnsafeMutablePointer<HTTPStream>
    ) {
        withEngine(connection) { $0.spend(connection, .invalidFrame) }
        nghttp2_submit_rst_stream(
            connection.pointee.session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream.pointee.id,
            UInt32(NGHTTP2_PROTOCOL_ERROR.rawValue))
    }

    private static func data(
        _ connection: UnsafeMutablePointer<HTTPConnection>, _ id: Int32, _ bytes: UnsafePointer<UInt8>, _ count: Int
    ) -> Int32 {
        guard let stream = stream(connection, id), stream.pointee.phase == .receiving else {
            // Nobody wants it, but the connection's other streams need its window.
            connection.pointee.consumed += count
            return 0
        }
        stream.pointee.received += count
        if stream.pointee.declaredLength >= 0, stream.pointee.received > stream.pointee.declaredLength {
            connection.pointee.consumed += count
            resetMalformed(connection, stream)
            return 0
        }
        withEngine(connection) { engine in
            engine.take(stream, bytes, count)
            engine.openWindow(stream, count)
        }
        return 0
    }

    private static func frame(
        _ connection: UnsafeMutablePointer<HTTPConnection>, _ frame: UnsafePointer<nghttp2_frame>
    ) -> Int32 {
        let header = frame.pointee.hd
        switch UInt32(header.type) {
        case NGHTTP2_DATA.rawValue, NGHTTP2_HEADERS.rawValue:
            guard let stream = stream(connection, header.stream_id) else { return 0 }
            if connection.pointee.headerStream == stream { connection.pointee.headerStream = nil }
            let isEnd = header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
            let isTrailer =
                header.type == NGHTTP2_HEADERS.rawValue && frame.pointee.headers.cat != NGHTTP2_HCAT_REQUEST
            guard isWellFormed(stream, header, isTrailer: isTrailer, isEnd: isEnd) else {
                resetMalformed(connection, stream)
                return 0
            }
            if isTrailer { stream.pointee.call.hasTrailers = true }
            withEngine(connection) { engine in
                if isEnd {
                    engine.complete(stream)
                } else if stream.pointee.phase == .receiving {
                    engine.refuseEarly(stream)
                    if header.type == NGHTTP2_DATA.rawValue { engine.receivedMore(stream) }
                }
            }
        case NGHTTP2_SETTINGS.rawValue:
            if header.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) == 0 {
                connection.pointee.hasSettings = true
                HTTPEngine.http2CheckWindows(connection)
            } else {
                connection.pointee.hasAcknowledged = true
            }
        case NGHTTP2_PING.rawValue where header.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) != 0:
            withEngine(connection) { $0.http2NoticeAnswered(connection) }
        default: break
        }
        return 0
    }

    /// With a frame of the request whole: whether what has come can be a message.
    @inline(__always)
    private static func isWellFormed(
        _ stream: UnsafeMutablePointer<HTTPStream>, _ header: nghttp2_frame_hd, isTrailer: Bool, isEnd: Bool
    ) -> Bool {
        if header.type == NGHTTP2_HEADERS.rawValue {
            // Fields behind the request's own end it.
            if isTrailer ? !isEnd : !stream.pointee.message.isComplete { return false }
        }
        let declared = stream.pointee.declaredLength
        return !isEnd || declared < 0 || stream.pointee.phase != .receiving || stream.pointee.received == declared
    }

    /// A call that was answered before its body had come: the peer is told to stop sending it.
    private static func fieldsSent(
        _ connection: UnsafeMutablePointer<HTTPConnection>, _ frame: UnsafePointer<nghttp2_frame>
    ) {
        let header = frame.pointee.hd
        guard header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0,
            let stream = stream(connection, header.stream_id), stream.pointee.isEarly
        else { return }
        nghttp2_submit_rst_stream(
            connection.pointee.session, UInt8(NGHTTP2_FLAG_NONE.rawValue), header.stream_id,
            UInt32(NGHTTP2_NO_ERROR.rawValue))
    }

    /// This side has reset a stream: because it was refused, or because of what the peer sent (MadeYouReset).
    private static func resetSent(
        _ connection: UnsafeMutablePointer<HTTPConnection>, _ frame: UnsafePointer<nghttp2_frame>
    ) {
        let code = frame.pointee.rst_stream.error_code
        // After an early answer the peer is told to stop sending, which is no fault.
        if code == NGHTTP2_NO_ERROR.rawValue { return }
        withEngine(connection) { engine in
            if code == NGHTTP2_REFUSED_STREAM.rawValue {
                engine.countRefusal(connection)
            } else {
                engine.spend(connection, .provokedReset)
            }
        }
    }

    private static func streamClosed(
        _ connection: UnsafeMutablePointer<HTTPConnection>, _ id: Int32, _ code: UInt32
    ) -> Int32 {
        guard let stream = stream(connection, id) else { return 0 }
        if code == NGHTTP2_NO_ERROR.rawValue && !stream.pointee.isEarly {
            connection.pointee.walk.history.remember(closed: id)
        }
        withEngine(stream.pointee.connection) { $0.end(stream) }
        return 0
    }
}
