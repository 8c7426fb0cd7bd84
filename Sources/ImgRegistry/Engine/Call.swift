import ImgHTTP
import ImgOCI
import ImgStream
import ImgTasks

/// One request to a registry's API, able to be sent more than once.
struct Call: Sendable {
    enum Target: Sendable {
        /// Behind `{base}/R/`, with its query.
        case repository(String)
        /// Behind `{base}/`.
        case base(String)
        /// An upload session or the next page, as the registry gave it.
        case absolute(String)
    }

    /// Which of a host's slots it takes (NET-11).
    enum Weight: Sendable {
        case small
        case transfer
        /// The caller holds a slot already.
        case held
    }

    /// The rights it needs (AUTH-8).
    enum Access: Sendable {
        case read
        case write
    }

    var method: HTTPMethod
    var target: Target
    /// A phrase for messages: `push blob sha256:…`.
    var operation: String
    var access: Access
    var headers: [Endpoint.Header] = []
    /// Opens the body anew for each sending.
    var body: @Sendable () async throws -> HTTPBody = { .none }
    /// Bytes of the body; large ones are not sent before the host's way of authentication is known (AUTH-33).
    var bodySize: Int64 = 0
    /// Repositories that a blob is mounted from, as the registry knows them.
    var mountSources: [String] = []
    var weight: Weight = .small
    /// Whether the same request may be sent again after a failure (RETRY-3).
    var isRepeatable = true
    /// A redirect is an answer for some requests (PUSH-7).
    var followsRedirects = true
    var progress: ByteCounter?
    /// Of the whole exchange; nil leaves it to the HTTP client.
    var timeLimit: Duration?

    init(_ method: HTTPMethod, _ target: Target, _ access: Access, _ operation: String) {
        self.method = method
        self.target = target
        self.access = access
        self.operation = operation
    }

    /// Sets the whole body of a small request.
    func with(body bytes: [UInt8], type: String) -> Call {
        var copy = self
        copy.body = { bytes.isEmpty ? .empty : .bytes(bytes) }
        copy.bodySize = Int64(bytes.count)
        copy.headers.append(Endpoint.Header(name: "Content-Type", value: type))
        return copy
    }

    /// A request with `Content-Length: 0` (NET-4).
    var withEmptyBody: Call {
        var copy = self
        copy.body = { .empty }
        return copy
    }

    func accepting(_ types: String) -> Call {
        var copy = self
        copy.headers.append(Endpoint.Header(name: "Accept", value: types))
        return copy
    }
}

/// What came back: headers are in, the body streams.
struct Reply: Sendable {
    var response: HTTPResponse
    /// After redirects; absolute.
    var url: String
    /// Whether a redirect led to another origin.
    var isForeign: Bool
    var endpoint: Endpoint

    var status: Int { response.status }

    func header(_ name: String) -> String? { response.headers[name] }

    /// `Docker-Content-Digest`, when it is a digest at all.
    var contentDigest: Digest? { header("Docker-Content-Digest").flatMap { try? Digest(parsing: $0) } }

    /// Of the content itself: a length under another encoding says nothing about it (NET-3).
    var contentLength: Int64? { encoding == nil ? response.headers.contentLength : nil }

    /// How the body is encoded although nobody asked for that; nil when it is not.
    var encoding: String? {
        header("Content-Encoding").flatMap { ["", "identity"].contains($0.lowercased()) ? nil : $0.lowercased() }
    }

    var isGzip: Bool { ["gzip", "x-gzip"].contains(encoding) }

    /// The whole body of a document, decoded where a server has compressed it unasked (NET-3).
    func document(limit: Int) async throws(HTTPError) -> [UInt8] {
        // Compression makes what is small larger.
        let bytes = try await response.body.collect(limit: encoding == nil ? limit : limit + 1024)
        guard encoding != nil, bytes.starts(with: [0x1f, 0x8b]) else { return bytes }
        do {
            return try Inflater(BytesSource(bytes)).readAll(limit: limit)
        } catch {
            throw HTTPError(error.code == .tooLarge ? .tooLarge : .protocolError, error.message, url: url)
        }
    }

    var contentType: String? { header("Content-Type") }

    /// Reads what is left of a body nobody looks at, so that the connection can serve again.
    func drain() async { _ = try? await response.body.collect(limit: 64 << 10) }
}
