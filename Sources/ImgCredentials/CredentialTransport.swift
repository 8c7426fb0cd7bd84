/// One HTTP exchange with an AWS service or a metadata endpoint.
package struct CredentialRequest: Hashable, Sendable {
    package var method: String
    /// Absolute.
    package var url: String
    /// Sent exactly as given; `Host` and `Content-Type` are among them where they are signed (SIG-8).
    package var headers: [CredentialHeader]
    package var body: [UInt8]
    /// Limit for the connection alone.
    package var connectTimeout: Duration
    /// Limit for everything from the first packet to the last byte of the reply.
    package var totalTimeout: Duration
    /// True for metadata endpoints on link-local addresses, which never go through a proxy (PRX-6).
    package var bypassesProxy: Bool
    /// A file of further trusted certificates (AWS-18).
    package var caBundlePath: String?

    package init(
        _ method: String,
        _ url: String,
        headers: [CredentialHeader] = [],
        body: [UInt8] = [],
        connectTimeout: Duration = .seconds(10),
        totalTimeout: Duration = .seconds(30),
        bypassesProxy: Bool = false,
        caBundlePath: String? = nil
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.connectTimeout = connectTimeout
        self.totalTimeout = totalTimeout
        self.bypassesProxy = bypassesProxy
        self.caBundlePath = caBundlePath
    }
}

/// A header line.
package struct CredentialHeader: Hashable, Sendable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

extension [CredentialHeader] {
    /// The first value of a header, whatever the case of its name.
    package func value(of name: String) -> String? {
        first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

/// The reply to a ``CredentialRequest``, whatever its status.
package struct CredentialReply: Hashable, Sendable {
    package var status: Int
    package var headers: [CredentialHeader]
    /// At most 1 MiB; a transport throws when a server sends more.
    package var body: [UInt8]

    package init(status: Int, headers: [CredentialHeader] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// A request that got no reply.
package struct CredentialTransportError: Error, Hashable, Sendable {
    package enum Code: Hashable, Sendable {
        /// The host name has no address.
        case unresolved
        /// A limit of the request ran out.
        case timeout
        /// No connection, or it broke.
        case network
        /// The server's certificate was refused.
        case tls
        case cancelled
    }

    package var code: Code
    /// Names the host and the cause; holds no secret.
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}

/// Carries requests; the layer that owns an HTTP client implements it.
///
/// Redirects are not followed.
package protocol CredentialTransport: Sendable {
    func send(_ request: CredentialRequest) async throws(CredentialTransportError) -> CredentialReply
}
