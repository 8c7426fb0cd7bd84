/// Bytes that cannot be read, written or understood.
package struct StreamError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: Sendable, Hashable {
        /// The data contradicts its format, digest or size.
        case corrupt
        /// More data than is accepted.
        case tooLarge
        /// The operating system refused, with `errno`.
        case io(Int32)
        /// A format or feature that is not known.
        case unsupported
        case cancelled
    }

    package var code: Code
    /// One sentence without the name of the file or blob.
    package var message: String

    package init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    package init(_ code: Code, _ message: String) {
        self.init(code: code, message: message)
    }

    package static func io(_ number: Int32, _ message: String) -> StreamError {
        StreamError(code: .io(number), message: "\(message): \(SystemText.describe(number))")
    }

    package var description: String { message }

    /// Ends long work soon after its task was cancelled.
    package static func checkCancellation() throws(StreamError) {
        if Task.isCancelled { throw StreamError(.cancelled, "interrupted") }
    }
}
