/// The head of an answer, and its body still to be read.
package struct HTTPResponse: Sendable {
    package var status: Int
    package var headers: HTTPHeaders
    /// "HTTP/1.1" or "HTTP/1.0".
    package var httpVersion: String
    /// The request's URL, unmasked: redirects and `Location` are resolved against it.
    package var url: String
    /// Address and port of the peer, which may be a proxy.
    package var remoteAddress: String?
    package var body: HTTPResponseBody
}

/// The body of an answer, read while it arrives, at most about 256 KiB ahead of the reader.
///
/// Letting go of the body and its iterators before the end cancels the transfer, unless next to nothing is left of it.
package struct HTTPResponseBody: AsyncSequence, Sendable {
    package typealias Element = [UInt8]
    package typealias Failure = HTTPError

    /// Ends the transfer with the last reference.
    fileprivate final class Hold: Sendable {
        let exchange: Exchange

        init(exchange: Exchange) {
            self.exchange = exchange
        }

        deinit {
            exchange.discard()
        }
    }

    private let hold: Hold
    /// From `Content-Length`; of an answer to HEAD it is the length that GET would give.
    package let length: Int64?

    init(exchange: Exchange, length: Int64?) {
        hold = Hold(exchange: exchange)
        self.length = length
    }

    package struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let hold: Hold

        /// The next chunk of at most 64 KiB, or nil at the end.
        package mutating func next() async throws(HTTPError) -> [UInt8]? {
            try await next(isolation: #isolation)
        }

        package mutating func next(isolation actor: isolated (any Actor)?) async throws(HTTPError) -> [UInt8]? {
            let exchange = hold.exchange
            while true {
                if Task.isCancelled {
                    exchange.cancel()
                    throw exchange.cancellation
                }
                switch exchange.incoming.next() {
                case .chunk(let bytes, let resume):
                    if resume { exchange.resumeReceiving() }
                    return bytes
                case .end:
                    return nil
                case .failure(let error):
                    throw error
                case .empty:
                    await exchange.incoming.wait()
                }
            }
        }
    }

    package func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(hold: hold)
    }

    /// Reads the whole body.
    ///
    /// - Parameter limit: In bytes; a longer body fails with ``HTTPError/Code/tooLarge`` and is not read on.
    /// - Returns: All bytes as they came, without any decoding.
    /// - Throws: ``HTTPError`` if the transfer fails half-way.
    package func collect(limit: Int) async throws(HTTPError) -> [UInt8] {
        var bytes: [UInt8] = []
        var iterator = makeAsyncIterator()
        while let chunk = try await iterator.next() {
            guard chunk.count <= limit - bytes.count else {
                let exchange = hold.exchange
                exchange.cancel()
                let text = "the answer of \(exchange.url.authority) is longer than \(limit) bytes"
                throw HTTPError(.tooLarge, text, url: exchange.request.url)
            }
            bytes.append(contentsOf: chunk)
        }
        return bytes
    }
}
