// Why there is no compiled model: a forest too large for the layout, or an image that is damaged.

/// A damaged image is no catastrophe: whoever keeps images in a cache compiles the model again.
public struct ImageError: Error, Sendable, Equatable, CustomStringConvertible {
    public var message: String

    public init(_ message: String) { self.message = message }

    public var description: String { message }
}
