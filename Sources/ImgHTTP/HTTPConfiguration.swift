/// What holds for all requests of a client.
package struct HTTPConfiguration: Sendable {
    /// Sent with every request that has no `User-Agent` of its own (`NET-2`).
    package var userAgent: String
    /// For name lookup, connection and TLS together (`NET-6`).
    package var connectTimeout: Duration
    /// Longest silence while a body moves.
    package var stallTimeout: Duration
    /// Longest wait for the answer once a request with a body is sent: servers hash what they got first.
    package var replyTimeout: Duration
    package var maxConnectionsPerHost: Int
    /// Called on the client's thread at the end of each transfer; must return quickly.
    package var trace: (@Sendable (HTTPTrace) -> Void)?

    package init(
        userAgent: String = "imgbuild",
        connectTimeout: Duration = .seconds(30),
        stallTimeout: Duration = .seconds(60),
        replyTimeout: Duration = .seconds(900),
        maxConnectionsPerHost: Int = 8,
        trace: (@Sendable (HTTPTrace) -> Void)? = nil
    ) {
        self.userAgent = userAgent
        self.connectTimeout = connectTimeout
        self.stallTimeout = stallTimeout
        self.replyTimeout = replyTimeout
        self.maxConnectionsPerHost = maxConnectionsPerHost
        self.trace = trace
    }
}

/// One finished transfer, fit for a debug log.
package struct HTTPTrace: Sendable {
    package var method: HTTPMethod
    /// Masked by ``URLMask``.
    package var url: String
    package var status: Int?
    package var duration: Duration
    /// "HTTP/1.1", or what the server called it.
    package var httpVersion: String?
    package var remoteAddress: String?
    package var error: HTTPError?
    package var sent: Int64
    package var received: Int64
}

extension HTTPTrace: CustomStringConvertible {
    /// One line: what was asked of whom, the answer, and what it took (OUT-4).
    package var description: String {
        var parts = ["\(method.rawValue) \(url)"]
        parts.append(error.map { "failed: \($0.message)" } ?? status.map { "\($0)" } ?? "no answer")
        if sent > 0 { parts.append("sent \(sent) bytes") }
        if received > 0 { parts.append("received \(received) bytes") }
        parts += [httpVersion, remoteAddress].compactMap(\.self)
        parts.append("\(duration.wholeMilliseconds) ms")
        return parts.joined(separator: ", ")
    }
}

extension Duration {
    /// Whole milliseconds, at least 1, as libcurl takes them.
    var wholeMilliseconds: Int {
        let (seconds, attoseconds) = components
        return Int(
            clamping: max(
                1,
                seconds.multipliedReportingOverflow(by: 1000).partialValue + attoseconds / 1_000_000_000_000_000
            )
        )
    }
}
