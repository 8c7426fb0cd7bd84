package import ImgTasks

/// One request, complete: what to send, where, and over what.
package struct HTTPRequest: Sendable {
    package var method: HTTPMethod
    /// Absolute, http or https, without user info; never printed unmasked.
    package var url: String
    package var headers: HTTPHeaders
    package var body: HTTPBody
    package var tls: TLSSettings
    /// The proxy's URL; nil or "" is a direct connection, whatever the environment says.
    package var proxy: String?
    /// Connects to this socket instead of the URL's host.
    package var unixSocket: String?
    /// Judges the address that a name has turned out to have; not asked where a proxy looks it up.
    package var refusesAddress: (@Sendable (IPAddress) -> Bool)?
    /// Overrides ``HTTPConfiguration/connectTimeout``.
    package var connectTimeout: Duration?
    /// Limit of the whole transfer; nil is none.
    package var totalTimeout: Duration?
    /// Whether the body may be sent a second time when a kept connection turns out to be dead (`NET-9`, `RETRY-3`).
    package var isRepeatable = true
    /// Counts the bytes of the body while they are sent.
    package var progress: ByteCounter?

    package init(
        method: HTTPMethod = .get,
        url: String,
        headers: HTTPHeaders = [:],
        body: HTTPBody = .none,
        tls: TLSSettings = TLSSettings(),
        proxy: String? = nil
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.tls = tls
        self.proxy = proxy
    }
}

/// The body of a request, whose length is always known (`NET-4`).
package enum HTTPBody: Sendable {
    case none
    /// No bytes, announced by `Content-Length: 0`.
    case empty
    case bytes([UInt8])
    /// A part of a file; it can be sent again from the start (`NET-7`).
    case file(path: String, offset: Int64, length: Int64)
    /// Chunks pulled one by one, nil at the end; the sum of their sizes must be `length`.
    case stream(length: Int64, next: @Sendable () async throws -> [UInt8]?)

    /// In bytes.
    package var length: Int64 {
        switch self {
        case .none, .empty: 0
        case .bytes(let bytes): Int64(bytes.count)
        case .file(_, _, let length): length
        case .stream(let length, _): length
        }
    }
}

/// Trust and identity of one connection.
package struct TLSSettings: Sendable, Hashable {
    package struct ClientCertificate: Sendable, Hashable {
        package var certificatePath: String
        package var keyPath: String

        package init(certificatePath: String, keyPath: String) {
            self.certificatePath = certificatePath
            self.keyPath = keyPath
        }
    }

    /// All trusted roots as PEM, instead of the system's; nil for libcurl's own default.
    package var caPEM: [UInt8]?
    /// Instead of a bundle: a directory with each trusted root under the hash of its name (`openssl rehash`).
    ///
    /// OpenSSL reads only those that a chain leads to. To parse a whole bundle takes 25 ms of processor time.
    package var caDirectory: String?
    /// False accepts any certificate (`SCH-2`).
    package var verify: Bool
    package var clientCertificate: ClientCertificate?

    package init(caPEM: [UInt8]? = nil, verify: Bool = true, clientCertificate: ClientCertificate? = nil) {
        self.caPEM = caPEM
        self.verify = verify
        self.clientCertificate = clientCertificate
    }
}
