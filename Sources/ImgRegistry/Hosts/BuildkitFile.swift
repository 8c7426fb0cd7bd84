/// Reads `[registry."H"]` of BuildKit's `buildkitd.toml` (MIR-6).
enum BuildkitFile {
    /// nil when the file says nothing about the host.
    static func read(_ table: TOMLTable, namespace: String, defaultHost: String) -> [Endpoint]? {
        guard let registries = table["registry"]?.tableValue, let own = registries[namespace]?.tableValue else {
            return nil
        }
        var endpoints: [Endpoint] = (own["mirrors"]?.strings ?? [])
            .map { text in
                let slash = text.firstIndex(of: "/") ?? text.endIndex
                var mirror = Endpoint(authority: String(text[..<slash]))
                // The path of a mirror goes behind /v2, not before it.
                mirror.root = "/v2" + (text[slash...] == "/" ? "" : text[slash...])
                mirror.namespace = namespace
                mirror.capabilities.remove(.push)
                apply(registries[mirror.authority]?.tableValue, to: &mirror)
                return mirror
            }
        var origin = Endpoint(authority: defaultHost)
        apply(own, to: &origin)
        endpoints.append(origin)
        return endpoints
    }

    private static func apply(_ table: TOMLTable?, to endpoint: inout Endpoint) {
        guard let table else { return }
        let isPlain = table["http"]?.boolValue == true
        let isInsecure = table["insecure"]?.boolValue == true
        if isPlain, !isInsecure { endpoint.scheme = "http" }
        if isPlain || isInsecure { endpoint.trust.allowsPlainHTTP = true }
        if isInsecure { endpoint.trust.verifies = false }
        endpoint.trust.authorityFiles += table["ca"]?.strings ?? []
        if let pair = table["keypair"]?.arrayValue?.first?.tableValue, let key = pair["key"]?.stringValue,
            let certificate = pair["cert"]?.stringValue
        {
            endpoint.trust.clientCertificate = .init(certificate: certificate, key: key)
        }
    }
}
