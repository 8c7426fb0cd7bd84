import ImgTasks
import Synchronization

/// An HTTP client on libcurl: one thread, as many transfers as are asked for, connections shared and kept.
///
/// It does exactly one request per call: redirects, authentication and retries are the caller's.
package final class HTTPClient: Sendable {
    private struct State {
        var loop: LoopHandle?
        var ended = false
        var requests: UInt64 = 0
    }

    package let configuration: HTTPConfiguration
    private let state = Mutex(State())

    /// Makes a client; its thread starts with the first request and ends after the client and its last transfer.
    package init(configuration: HTTPConfiguration = HTTPConfiguration()) {
        self.configuration = configuration
    }

    /// Sends a request and returns when the header block of the final answer has arrived.
    ///
    /// Cancelling the task ends the transfer. An answer of 300 or more that comes early ends the upload (`NET-8`).
    /// - Returns: The answer, whatever its status, with a body to be read.
    /// - Throws: ``HTTPError`` for everything below HTTP; code `cancelled` for a cancelled task.
    package func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        let url = try RequestCheck.check(request)
        let exchange = try makeExchange(request, url)
        return try await exchange.run().get()
    }

    /// Ends the thread; transfers under way fail with code `cancelled`, as do later requests.
    package func shutdown() {
        let loop = state.withLock { state in
            state.ended = true
            return state.loop.take()
        }
        loop?.inbox.close()
    }

    private func makeExchange(_ request: HTTPRequest, _ url: URLParts) throws(HTTPError) -> Exchange {
        let made: Result<Exchange, HTTPError> = state.withLock { state in
            guard !state.ended else {
                return .failure(HTTPError(.cancelled, "the HTTP client has been shut down", url: request.url))
            }
            guard let loop = state.loop ?? startLoop() else {
                return .failure(HTTPError(.protocolError, "no thread left for the HTTP client", url: request.url))
            }
            state.loop = loop
            state.requests += 1
            return .success(Exchange(id: state.requests, request: request, url: url, loop: loop))
        }
        return try made.get()
    }

    private func startLoop() -> LoopHandle? {
        let inbox = LoopInbox()
        let configuration = configuration
        let started = WorkerThread.start(name: "imgbuild-http") {
            EventLoop.run(configuration: configuration, inbox: inbox)
        }
        return started ? LoopHandle(inbox: inbox) : nil
    }
}

/// Refuses requests that must not reach the wire (`SEC-11`).
enum RequestCheck {
    static func check(_ request: HTTPRequest) throws(HTTPError) -> URLParts {
        guard let url = URLParts(request.url), url.scheme == "http" || url.scheme == "https" else {
            throw invalid(request, "not an absolute http or https URL")
        }
        guard url.userInfo == nil else { throw invalid(request, "the URL has user info") }
        guard isToken(request.method.rawValue) else { throw invalid(request, "the method is not a token") }
        for field in request.headers.fields {
            guard isToken(field.name) else { throw invalid(request, "bad header name") }
            guard isClean(field.value) else {
                throw invalid(request, "the value of header \(field.name) has a line break or NUL")
            }
        }
        guard request.body.length >= 0 else { throw invalid(request, "the body has a negative length") }
        if let proxy = request.proxy, !proxy.isEmpty {
            let parts = URLParts(proxy.contains("://") ? proxy : "http://" + proxy)
            guard let parts, ["http", "https", "socks5", "socks5h"].contains(parts.scheme) else {
                throw HTTPError(
                    .proxy,
                    "the proxy must be host:port or a URL with http, https, socks5 or socks5h",
                    url: request.url
                )
            }
        }
        return url
    }

    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy(ASCII.isToken)
    }

    private static func isClean(_ text: String) -> Bool {
        !text.utf8.contains { $0 == 0x0D || $0 == 0x0A || $0 == 0 }
    }

    private static func invalid(_ request: HTTPRequest, _ cause: String) -> HTTPError {
        HTTPError(.invalidRequest, "invalid request: \(cause)", url: request.url)
    }
}
