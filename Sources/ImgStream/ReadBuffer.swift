/// Memory for reading one source after another.
package struct ReadBuffer: ~Copyable {
    private var bytes: [UInt8]
    /// Bytes that the last read brought.
    package private(set) var count = 0

    package init(size: Int = 256 << 10) {
        bytes = [UInt8](repeating: 0, count: size)
    }

    /// Reads once, dropping what was read before.
    ///
    /// - Returns: False at the end of the source.
    package mutating func fill(from source: any ByteSource) throws(StreamError) -> Bool {
        var result: Result<Int, StreamError> = .success(0)
        unsafe bytes.withUnsafeMutableBytes { buffer in
            do throws(StreamError) { result = .success(unsafe try source.read(into: buffer)) } catch {
                result = .failure(error)
            }
        }
        count = try result.get()
        return count > 0
    }

    /// Gives what the last read brought.
    package func withSpan<Value>(_ body: (Span<UInt8>) throws(StreamError) -> Value) throws(StreamError) -> Value {
        try body(bytes.span.extracting(first: count))
    }

    /// A copy of a part of what the last read brought.
    package func copy(_ range: Range<Int>) -> [UInt8] { Array(bytes[range]) }
}
