// What TLS asks of the protocol above it: a table of C functions with one context, as a reactor's.
//
// `connection` is what `opened` returned. The others mean what they mean to a reactor, in plaintext.

public struct TLSHandler {
    public typealias Context = UnsafeMutableRawPointer

    /// What the handshake agreed on.
    public enum ApplicationProtocol: UInt8, Sendable { case http1, http2 }

    public struct Opening {
        /// The reactor's handle.
        public var owner: UnsafeMutableRawPointer
        public var applicationProtocol: ApplicationProtocol
        /// A `PeerIdentity`, valid until `closed`.
        public var peer: UnsafeRawPointer
        /// Answer 503 and close.
        public var isRefusing: Bool
        /// The drain began during the handshake.
        public var isDraining: Bool
    }

    public var context: Context
    /// The handshake has succeeded; `opening` is an `Opening`. Returns the protocol's connection.
    public var opened: @convention(c) (Context, _ opening: UnsafeRawPointer) -> Context
    public var received:
        @convention(c) (Context, _ connection: Context, _ bytes: UnsafeRawPointer, _ count: Int) -> Void
    public var produce:
        @convention(c) (Context, _ connection: Context, _ into: UnsafeMutableRawPointer, _ room: Int) -> Int
    public var wantsInput: @convention(c) (Context, _ connection: Context) -> Bool
    public var isBehind: @convention(c) (Context, _ connection: Context) -> Bool
    public var resume: @convention(c) (Context, _ connection: Context) -> Void
    public var isFinished: @convention(c) (Context, _ connection: Context) -> Bool
    public var deadline: @convention(c) (Context, _ connection: Context) -> UInt64
    public var expired: @convention(c) (Context, _ connection: Context) -> Void
    public var drain: @convention(c) (Context, _ connection: Context) -> Void
    public var closed: @convention(c) (Context, _ connection: Context) -> Void
    /// The connection of this owner has ended although nothing has come for it.
    public var ended: @convention(c) (Context, _ owner: UnsafeMutableRawPointer) -> Void

    public init(
        context: Context,
        opened: @escaping @convention(c) (Context, UnsafeRawPointer) -> Context,
        received: @escaping @convention(c) (Context, Context, UnsafeRawPointer, Int) -> Void,
        produce: @escaping @convention(c) (Context, Context, UnsafeMutableRawPointer, Int) -> Int,
        wantsInput: @escaping @convention(c) (Context, Context) -> Bool,
        isBehind: @escaping @convention(c) (Context, Context) -> Bool,
        resume: @escaping @convention(c) (Context, Context) -> Void,
        isFinished: @escaping @convention(c) (Context, Context) -> Bool,
        deadline: @escaping @convention(c) (Context, Context) -> UInt64,
        expired: @escaping @convention(c) (Context, Context) -> Void,
        drain: @escaping @convention(c) (Context, Context) -> Void,
        closed: @escaping @convention(c) (Context, Context) -> Void,
        ended: @escaping @convention(c) (Context, UnsafeMutableRawPointer) -> Void
    ) {
        self.context = context
        self.opened = opened
        self.received = received
        self.produce = produce
        self.wantsInput = wantsInput
        self.isBehind = isBehind
        self.resume = resume
        self.isFinished = isFinished
        self.deadline = deadline
        self.expired = expired
        self.drain = drain
        self.closed = closed
        self.ended = ended
    }
}
