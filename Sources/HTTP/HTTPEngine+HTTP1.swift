// HTTP/1.1: a head is read when it is whole, and http-parser tells its fields apart; a body as it comes.
//
//     input ──findEnd──► HTTP1Head ──► http_parser ──► stream ──HTTP1Body──► handler
//
// Pipelined requests are parsed and handed over together, as many as a turn allows; their answers leave in order. Parsing
// pauses while as many requests are in flight as an HTTP/2 connection may have streams.

import CHTTPParser
import Glibc
import Primitives

extension HTTPEngine {
    func http1Receive(_ connection: Connection, _ bytes: UnsafeRawPointer, _ count: Int) {
        connection.pointee.http1.input.append(bytes, count)
        http1Parse(connection)
    }

    /// Parses what is there, as far as it goes.
    func http1Parse(_ connection: Connection) {
        var consumed = 0
        var isBehind = true
        while !connection.pointee.isEnding, hasRoom(connection) {
            let phase = connection.pointee.http1.phase
            let count = phase == .head ? parseHead(connection, consumed) : parseBody(connection, consumed)
            consumed += count
            // A body may end without a byte of its own, so there may be something to do with no input left.
            if count == 0 && connection.pointee.http1.phase == phase {
                isBehind = false
                break
            }
            turn.add((phase == .head ? Turn.requestUnits : 1) + count >> 10)
            if turn.isLookDue, isTurnOver() { break }
        }
        dropInput(connection, connection.pointee.isEnding ? connection.pointee.http1.input.count : consumed)
        connection.pointee.http1.isBehind = isBehind && !connection.pointee.isEnding
    }

    /// A body always goes on; a further request waits while as many are in flight as may be.
    func hasRoom(_ connection: Connection) -> Bool {
        if connection.pointee.http1.phase == .body { return true }
        return connection.pointee.streamCount < limits.streams && connection.pointee.queuedBytes <= limits.outputBytes
    }

    /// Forgets the first `count` bytes of input.
    private func dropInput(_ connection: Connection, _ count: Int) {
        if count == 0 { return }
        let left = connection.pointee.http1.input.count - count
        let base = connection.pointee.http1.input.pointer
        memmove(base, base + count, left)
        connection.pointee.http1.input.count = left
        connection.pointee.http1.searched = 0
        if left > 0 { connection.pointee.http1.headSince = now }
    }

    // MARK: Head

    /// Parses a head that begins at `start`; returns its bytes, 0: it is not whole yet.
    private func parseHead(_ connection: Connection, _ start: Int) -> Int {
        let input = UnsafeRawBufferPointer(rebasing: connection.pointee.http1.input.bytes[start...])
        if input.isEmpty { return 0 }
        let blank = leadingBlankLine(input)
        if blank > 0 {
            if connection.pointee.http1.hasBlankLine {
                http1Fail(connection, HTTPFault(400, "more than one empty line before a request line"))
                return 0
            }
            connection.pointee.http1.hasBlankLine = true
            return blank
        }
        if connection.pointee.http1.searched == 0 { connection.pointee.http1.headSince = now }
        // Only what a head may have is looked at, so that an answer does not depend on how the bytes were cut.
        let window = UnsafeRawBufferPointer(rebasing: input.prefix(limits.headerBytes))
        switch HTTP1HeadCheck.findEnd(window, from: connection.pointee.http1.searched) {
        case .fault(let fault):
            http1Fail(connection, fault)
            return 0
        case .incomplete(let searched):
            connection.pointee.http1.searched = searched
            if input.count > limits.headerBytes { http1FailOnHead(connection, window) }
            return 0
        case .ends(let end):
            connection.pointee.http1.searched = 0
            begin(connection, head: UnsafeRawBufferPointer(rebasing: input[..<end]))
            return connection.pointee.isEnding ? 0 : end
        }
    }

    /// One empty line before a request line is forgiven (RFC 9112, 2.2).
    private func leadingBlankLine(_ input: UnsafeRawBufferPointer) -> Int {
        input.count >= 2 && input[0] == 13 && input[1] == 10 ? 2 : 0
    }

    /// A request line that takes most of the room has a target that is too long (RFC 9112, 3).
    private func headTooLarge(_ head: UnsafeRawBufferPointer) -> HTTPFault {
        guard HTTP1HeadCheck.endOfLine(head, 0) > limits.headerBytes / 2 else {
            return HTTPHead.tooLarge(limits.headerBytes)
        }
        return HTTPFault(414, "the request target is too long")
    }

    /// Reads a whole head and starts its stream.
    private func begin(_ connection: Connection, head bytes: UnsafeRawBufferPointer) {
        let head: HTTP1Head
        do throws(HTTPFault) { head = try HTTP1Head(bytes) } catch { return http1Fail(connection, error) }
        // SAFETY: the head stands in the connection's own input, and the library copies what it reports.
        HTTP1HeadCheck.replaceTabs(UnsafeMutableRawBufferPointer(mutating: bytes))
        let stream = begin(connection, id: 0)
        HTTPHead.setTarget(stream, UnsafeRawBufferPointer(rebasing: bytes[head.target]))
        connection.pointee.http1.begin(stream, head, limits)
        connection.pointee.http1.parser.data = UnsafeMutableRawPointer(connection)
        execute(connection, bytes)
        if connection.pointee.isEnding { return }
        if head.framing == .none { return finishMessage(connection) }
        refuseEarly(stream)
        if stream.pointee.phase == .answered { endAfter(stream) }
    }

    /// Lets http-parser tell the fields of a head; what it does not take is answered, and ends the connection.
    private func execute(_ connection: Connection, _ head: UnsafeRawBufferPointer) {
        var settings = HTTP1Callbacks.settings
        let base = head.baseAddress?.assumingMemoryBound(to: CChar.self)
        http_parser_execute(&connection.pointee.http1.parser, &settings, base, head.count)
        let error = http_errno(rawValue: connection.pointee.http1.parser.http_errno)
        if error != HPE_OK { http1Fail(connection, HTTP1Callbacks.fault(error)) }
    }

    // MARK: Body

    /// Parses body bytes from `start`; returns how many.
    private func parseBody(_ connection: Connection, _ start: Int) -> Int {
        guard let stream = connection.pointee.http1.stream else { return 0 }
        let input = UnsafeRawBufferPointer(rebasing: connection.pointee.http1.input.bytes[start...])
        if connection.pointee.http1.owesContinue {
            // Somebody who sends the body does not wait for leave to.
            if input.isEmpty { sendContinue(connection) }
            connection.pointee.http1.owesContinue = false
        }
        let room = limits.bodyBytes - stream.pointee.body.count
        switch connection.pointee.http1.body.next(input, limit: limits.headerBytes, room: room) {
        case .incomplete(let consumed): return consumed
        case .data(let range):
            if let base = input.baseAddress { take(stream, base + range.lowerBound, range.count) }
            if stream.pointee.phase == .answered { endAfter(stream) }
            return range.upperBound
        case .end(let consumed):
            finishMessage(connection)
            return consumed
        case .tooLarge:
            count(.bodyBytes)
            http1Fail(connection, HTTPHead.bodyTooLarge(limits.bodyBytes))
            return 0
        case .fault(let fault):
            if let limit = connection.pointee.http1.body.exceeded { count(limit) }
            http1Fail(connection, fault)
            return 0
        }
    }

    /// The request is whole: hand it over and look for the next head.
    private func finishMessage(_ connection: Connection) {
        guard let stream = connection.pointee.http1.stream else { return }
        connection.pointee.http1.stream = nil
        connection.pointee.http1.phase = .head
        connection.pointee.http1.owesContinue = false
        connection.pointee.http1.isContinueDue = false
        stream.pointee.endsConnection =
            http_should_keep_alive(&connection.pointee.http1.parser) == 0 || connection.pointee.isRefusing
        if stream.pointee.endsConnection { connection.pointee.isEnding = true }
        complete(stream)
    }

    /// The answer went out before the body had come: what follows cannot be told apart from it.
    private func endAfter(_ stream: Stream) {
        let connection = stream.pointee.connection
        connection.pointee.http1.stream = nil
        connection.pointee.isEnding = true
    }

    /// Answers a request that could not be read, and ends the connection after it.
    func http1Fail(_ connection: Connection, _ fault: HTTPFault) {
        let stream = connection.pointee.http1.stream ?? begin(connection, id: 0)
        connection.pointee.http1.stream = nil
        stream.pointee.endsConnection = true
        respond(stream, fault: fault)
        connection.pointee.isEnding = true
    }

    private func http1FailOnHead(_ connection: Connection, _ head: UnsafeRawBufferPointer) {
        count(.headerBytes)
        http1Fail(connection, headTooLarge(head))
    }

    func http1Drain(_ connection: Connection) {
        // A request that is being received is still answered, with `connection: close`. So is one that is under way
        // on an idle connection: it stays for as long as HTTP/2's notice does, instead of losing what crosses its end.
        connection.pointee.noticedAt = now
    }

    private func sendContinue(_ connection: Connection) {
        connection.pointee.http1.owesContinue = false
        connection.pointee.http1.isContinueDue = true
        outputReady(connection)
    }

    // MARK: Respond

    func http1Respond(_ stream: Stream, contentType: StaticString, fields: UnsafeBufferPointer<HTTPField>) {
        let connection = stream.pointee.connection
        if connection.pointee.isDraining || connection.pointee.http1.stream == stream {
            // Draining, or answered before the request was whole: nothing can follow on this connection.
            stream.pointee.endsConnection = true
        }
        stream.pointee.sent = 0
        writeHead(stream, contentType, fields)
        if stream.pointee.method == .head { stream.pointee.responseBody.count = 0 }
    }

    /// Writes the status line and the fields into the stream's `head`.
    private func writeHead(_ stream: Stream, _ contentType: StaticString, _ fields: UnsafeBufferPointer<HTTPField>) {
        stream.pointee.head.reset()
        stream.pointee.head.append("HTTP/1.1 ")
        append(decimal: stream.pointee.status, to: &stream.pointee.head)
        stream.pointee.head.append(" ")
        stream.pointee.head.append(Self.reason(stream.pointee.status))
        stream.pointee.head.append("\r\ncontent-type: ")
        stream.pointee.head.append(contentType)
        stream.pointee.head.append("\r\ncontent-length: ")
        append(decimal: stream.pointee.responseBody.count, to: &stream.pointee.head)
        stream.pointee.head.append("\r\ndate: ")
        stream.pointee.head.append(UnsafeRawPointer(date.text), HTTPDate.count)
        for field in fields {
            stream.pointee.head.append("\r\n")
            stream.pointee.head.append(field.name)
            stream.pointee.head.append(": ")
            stream.pointee.head.append(field.value)
        }
        stream.pointee.trace.withBytes { text in
            guard let text else { return }
            stream.pointee.head.append("\r\ntraceparent: ")
            stream.pointee.head.append(text)
        }
        if stream.pointee.endsConnection {
            stream.pointee.head.append("\r\nconnection: close")
        } else if stream.pointee.isVersion10 {
            stream.pointee.head.append("\r\nconnection: keep-alive")
        }
        stream.pointee.head.append("\r\n\r\n")
    }

    private func append(decimal value: Int, to buffer: inout GrowableBuffer) {
        buffer.reserve(buffer.count + 20)
        buffer.count += Decimal.write(value, to: buffer.pointer + buffer.count)
    }

    func http1Produce(_ connection: Connection, _ into: UnsafeMutableRawPointer, _ room: Int) -> Int {
        var filled = 0
        if connection.pointee.http1.isContinueDue, connection.pointee.firstStream == connection.pointee.http1.stream {
            let text: StaticString = "HTTP/1.1 100 Continue\r\n\r\n"
            memcpy(into, text.utf8Start, text.utf8CodeUnitCount)
            filled = text.utf8CodeUnitCount
            connection.pointee.http1.isContinueDue = false
        }
        while filled < room, let stream = connection.pointee.firstStream, stream.pointee.phase == .answered {
            filled += copyAnswer(stream, into + filled, room - filled)
            let total = stream.pointee.head.count + stream.pointee.responseBody.count
            guard stream.pointee.sent == total else { break }
            if stream.pointee.endsConnection { connection.pointee.isEnding = true }
            end(stream)
        }
        return filled
    }

    /// Copies what fits of an answer's head and body.
    private func copyAnswer(_ stream: Stream, _ into: UnsafeMutableRawPointer, _ room: Int) -> Int {
        var filled = 0
        let headCount = stream.pointee.head.count
        if stream.pointee.sent < headCount {
            filled = min(headCount - stream.pointee.sent, room)
            memcpy(into, stream.pointee.head.pointer + stream.pointee.sent, filled)
            stream.pointee.sent += filled
        }
        if stream.pointee.sent >= headCount {
            let offset = stream.pointee.sent - headCount
            let count = min(stream.pointee.responseBody.count - offset, room - filled)
            memcpy(into + filled, stream.pointee.responseBody.pointer + offset, count)
            stream.pointee.sent += count
            filled += count
        }
        return filled
    }
}
