import ImgCredentials
import ImgHTTP
import ImgRegistry
import ImgReport

/// Carries the requests of credential sources over the process's HTTP client.
struct HTTPCredentialTransport: CredentialTransport {
    let http: HTTPClient
    let trust: ServerTrust
    let environment: [String: String]

    /// Replies are small documents (NET-10).
    private static let replyLimit = 1 << 20

    func send(_ request: CredentialRequest) async throws(CredentialTransportError) -> CredentialReply {
        guard let parts = URLParts(request.url) else { throw CredentialTransportError(.network, "invalid URL") }
        var outgoing = HTTPRequest(method: HTTPMethod(rawValue: request.method), url: request.url)
        for header in request.headers { outgoing.headers.add(header.name, header.value) }
        outgoing.body = request.body.isEmpty ? (request.method == "GET" ? .none : .empty) : .bytes(request.body)
        outgoing.proxy = request.bypassesProxy ? nil : ProxySelection.proxy(for: parts, environment: environment)
        outgoing.connectTimeout = request.connectTimeout
        outgoing.totalTimeout = request.totalTimeout
        do {
            outgoing.tls = try await trust.settings(for: parts, adding: request.caBundlePath.map { [$0] } ?? [])
            let response = try await http.send(outgoing)
            let body = try await response.body.collect(limit: Self.replyLimit)
            return CredentialReply(
                status: response.status,
                headers: response.headers.fields.map { CredentialHeader($0.name, $0.value) },
                body: body
            )
        } catch let error as HTTPError {
            throw CredentialTransportError(Self.code(error), error.message)
        } catch let error as BuildError {
            throw CredentialTransportError(.tls, error.diagnostics.first?.message ?? "\(error)")
        } catch {
            throw CredentialTransportError(.network, "\(error)")
        }
    }

    private static func code(_ error: HTTPError) -> CredentialTransportError.Code {
        switch error.code {
        case .resolve: .unresolved
        case .timeout, .stalled: .timeout
        case .tlsVerify, .tlsHandshake: .tls
        case .cancelled: .cancelled
        default: .network
        }
    }
}
