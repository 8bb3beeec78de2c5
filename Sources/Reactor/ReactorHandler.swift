// What a reactor asks of the protocol above it.
//
// A table of C functions with one context: calling through it costs a load and a jump, and no
// reference count. `connection` is what `opened` returned, `channel` the reactor's own handle.

public struct ReactorHandler {
    public typealias Context = UnsafeMutableRawPointer

    public var context: Context
    /// A socket was accepted from the listener of this index; returns the protocol's connection. `isOverLimit`:
    /// answer 503 and close.
    public var opened:
        @convention(c) (Context, _ channel: UnsafeMutableRawPointer, _ listener: Int, _ isOverLimit: Bool) -> Context
    /// Bytes came; 0 bytes: the peer has finished sending. They stay valid until the call returns, and
    /// 64 more bytes may be read behind them.
    public var received:
        @convention(c) (Context, _ connection: Context, _ bytes: UnsafeRawPointer, _ count: Int) -> Void
    /// Every socket that was ready has been read: run what was collected.
    public var roundEnded: @convention(c) (Context) -> Void
    /// Writes the next output into `room` bytes at `into` and returns how many; 0: nothing to send.
    public var produce:
        @convention(c) (Context, _ connection: Context, _ into: UnsafeMutableRawPointer, _ room: Int) -> Int
    /// Whether the socket should be read, or its bytes left to the kernel for now; asked before each read.
    public var wantsInput: @convention(c) (Context, _ connection: Context) -> Bool
    /// Input that was read waits because the connection's turn was over: `resume` goes on with it. Asked where
    /// `wantsInput` is false.
    public var isBehind: @convention(c) (Context, _ connection: Context) -> Bool
    public var resume: @convention(c) (Context, _ connection: Context) -> Void
    /// All output is sent: is the connection at its end?
    public var isFinished: @convention(c) (Context, _ connection: Context) -> Bool
    /// When the connection wants `expired`, in nanoseconds of the reactor's clock.
    public var deadline: @convention(c) (Context, _ connection: Context) -> UInt64
    public var expired: @convention(c) (Context, _ connection: Context) -> Void
    /// Finish what is in flight and take nothing new.
    public var drain: @convention(c) (Context, _ connection: Context) -> Void
    /// The socket is gone; `connection` is not used again.
    public var closed: @convention(c) (Context, _ connection: Context) -> Void

    public init(
        context: Context,
        opened: @escaping @convention(c) (Context, UnsafeMutableRawPointer, Int, Bool) -> Context,
        received: @escaping @convention(c) (Context, Context, UnsafeRawPointer, Int) -> Void,
        roundEnded: @escaping @convention(c) (Context) -> Void,
        produce: @escaping @convention(c) (Context, Context, UnsafeMutableRawPointer, Int) -> Int,
        wantsInput: @escaping @convention(c) (Context, Context) -> Bool,
        isBehind: @escaping @convention(c) (Context, Context) -> Bool,
        resume: @escaping @convention(c) (Context, Context) -> Void,
        isFinished: @escaping @convention(c) (Context, Context) -> Bool,
        deadline: @escaping @convention(c) (Context, Context) -> UInt64,
        expired: @escaping @convention(c) (Context, Context) -> Void,
        drain: @escaping @convention(c) (Context, Context) -> Void,
        closed: @escaping @convention(c) (Context, Context) -> Void
    ) {
        self.context = context
        self.opened = opened
        self.received = received
        self.roundEnded = roundEnded
        self.produce = produce
        self.wantsInput = wantsInput
        self.isBehind = isBehind
        self.resume = resume
        self.isFinished = isFinished
        self.deadline = deadline
        self.expired = expired
        self.drain = drain
        self.closed = closed
    }
}
