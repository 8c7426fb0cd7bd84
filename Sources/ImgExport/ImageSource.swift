package import ImgOCI

/// Some place that images are read from: a repository or a layout.
package protocol ImageSource: Sendable {
    /// For messages: `ghcr.io/o/app` or a path.
    var name: String { get }
    /// `host/path` when it is a repository, for mounts.
    var repository: ImageReference? { get }
    /// The document a digest or tag leads to, with the bytes as served.
    func resolve() async throws -> ImageGraph.Content
    /// A manifest by its descriptor, verified.
    func manifest(_ descriptor: Descriptor) async throws -> [UInt8]
    /// A small blob, verified; more than `limit` bytes are refused.
    func blob(_ descriptor: Descriptor, limit: Int) async throws -> [UInt8]
    /// Whether a blob is there, as far as can be told.
    func holds(_ descriptor: Descriptor) async -> Bool
    /// A blob of any size in chunks; the last one comes only after size and digest are verified.
    func stream(_ descriptor: Descriptor) async throws -> ContentStream
}

/// The bytes of a blob in order.
package struct ContentStream: Sendable, AsyncSequence {
    package typealias Element = [UInt8]

    private let next: @Sendable () async throws -> [UInt8]?

    /// - Parameter next: The next chunk, nil at the end.
    package init(next: @escaping @Sendable () async throws -> [UInt8]?) {
        self.next = next
    }

    package struct AsyncIterator: AsyncIteratorProtocol {
        let pull: @Sendable () async throws -> [UInt8]?

        package mutating func next() async throws -> [UInt8]? { try await pull() }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(pull: next) }
}
