import ImgCredentials
import ImgHTTP
import ImgOCI
import ImgReport

extension Session {
    private static let maxHops = 10

    /// Sends a request and follows redirects, each checked, without credentials for other origins (SEC-3).
    func follow(
        _ call: Call,
        _ endpoint: Endpoint,
        _ authorization: Authorization?
    ) async throws(RegistryError) -> Reply {
        var (response, url) = try await first(call, endpoint, authorization)
        let origin = origin(of: endpoint)
        var seen: Set<String> = [url]
        for _ in 0..<Self.maxHops {
            guard call.followsRedirects, Self.isRedirect(response.status, for: call.method),
                let location = response.headers["Location"]
            else {
                let isForeign = URLParts(url)?.origin != origin
                return Reply(response: response, url: url, isForeign: isForeign, endpoint: endpoint)
            }
            _ = try? await response.body.collect(limit: 64 << 10)
            let next = try await Redirect.target(location, from: url, by: self, call.operation)
            guard seen.insert(next).inserted else { break }
            let sameOrigin = URLParts(next)?.origin == origin
            let headers = headers(of: call, endpoint, sameOrigin ? authorization : nil, isForeign: !sameOrigin)
            response = try await transmit(call, to: next, headers: headers)
            url = next
        }
        throw error(.protocol, call.operation, "the registry redirects without end")
    }

    private static func isRedirect(_ status: Int, for method: HTTPMethod) -> Bool {
        switch status {
        case 307, 308: true
        case 301, 302, 303: method == .get || method == .head
        default: false
        }
    }

    private func first(
        _ call: Call,
        _ endpoint: Endpoint,
        _ authorization: Authorization?
    ) async throws(RegistryError) -> (HTTPResponse, String) {
        switch call.target {
        case .absolute(let url):
            let isOwn = URLParts(url)?.origin == origin(of: endpoint)
            let headers = headers(of: call, endpoint, isOwn ? authorization : nil, isForeign: !isOwn)
            return (try await transmit(call, to: url, headers: headers), url)
        case .repository(let rest):
            let path = try await wirePath
            let headers = headers(of: call, endpoint, authorization, isForeign: false)
            let root = Self.withNamespace("\(endpoint.root)/\(path)/\(rest)", endpoint)
            return try await transmit(call, to: endpoint, behind: root, headers: headers)
        case .base(let rest):
            let headers = headers(of: call, endpoint, authorization, isForeign: false)
            return try await transmit(call, to: endpoint, behind: "\(endpoint.root)/\(rest)", headers: headers)
        }
    }

    /// Mirrors are told whose content is asked for (MIR-4).
    private static func withNamespace(_ path: String, _ endpoint: Endpoint) -> String {
        guard let namespace = endpoint.namespace else { return path }
        return path + (path.contains("?") ? "&" : "?") + "ns=\(PercentEncoding.encode(namespace))"
    }

    private func headers(
        of call: Call,
        _ endpoint: Endpoint,
        _ authorization: Authorization?,
        isForeign: Bool
    ) -> HTTPHeaders {
        var headers = HTTPHeaders()
        for header in call.headers { headers.add(header.name, header.value) }
        guard !isForeign else { return headers }
        for header in endpoint.headers + client.authenticator.configuredHeaders {
            headers.add(header.name, header.value)
        }
        if let authorization {
            client.authenticator.sent.note(authorization.header)
            headers.add("Authorization", authorization.header.exposed)
        }
        return headers
    }

    /// The origin that credentials belong to (SEC-1).
    func origin(of endpoint: Endpoint) -> Origin {
        let mode = host.mode(for: endpoint.authority) ?? endpoint.modes.first
        return Authority(endpoint.authority).origin(mode?.scheme ?? "https")
    }
}
