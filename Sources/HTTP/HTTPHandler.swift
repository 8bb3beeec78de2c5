// What the engine asks of the one above it: C functions with one context, as a reactor's handler.

public struct HTTPHandler {
    public typealias Context = UnsafeMutableRawPointer

    public var context: Context
    /// A whole request has come: `stream` is an `HTTPStream`. Answer it now or later with `HTTPEngine.respond`.
    public var request: @convention(c) (Context, _ stream: UnsafeMutableRawPointer) -> Void
    /// More of a call's body has come, and not all of it: for the methods that answer before the client has finished.
    public var received: @convention(c) (Context, _ stream: UnsafeMutableRawPointer) -> Void
    /// A request that was handed over and not yet answered is gone: do not answer it.
    public var cancelled: @convention(c) (Context, _ stream: UnsafeMutableRawPointer) -> Void
    /// A request that is not answered yet is due (`HTTPEngine.watch`, or its own header fields): perhaps its body
    /// has not come. Answer it with `HTTPEngine.respond`.
    public var expired: @convention(c) (Context, _ stream: UnsafeMutableRawPointer) -> Void
    /// The connection of this owner has output, or has ended.
    public var outputReady: @convention(c) (Context, _ owner: UnsafeMutableRawPointer) -> Void

    public init(
        context: Context,
        request: @escaping @convention(c) (Context, UnsafeMutableRawPointer) -> Void,
        received: @escaping @convention(c) (Context, UnsafeMutableRawPointer) -> Void = { _, _ in },
        cancelled: @escaping @convention(c) (Context, UnsafeMutableRawPointer) -> Void,
        expired: @escaping @convention(c) (Context, UnsafeMutableRawPointer) -> Void,
        outputReady: @escaping @convention(c) (Context, UnsafeMutableRawPointer) -> Void
    ) {
        self.context = context
        self.request = request
        self.received = received
        self.cancelled = cancelled
        self.expired = expired
        self.outputReady = outputReady
    }
}
