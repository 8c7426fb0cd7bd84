import ImgHTTP
import ImgTasks

/// Turns what a host is trusted with into settings for a connection; bundles are put together once (TLS-2…4).
struct TrustStore: Sendable {
    private static let systemBundles = [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
        "/etc/pki/tls/cacert.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
    ]

    let files: LocalFiles
    let environment: [String: String]
    private let bundles = OnceMap<[String], [UInt8]>()

    init(files: LocalFiles, environment: [String: String]) {
        self.files = files
        self.environment = environment
    }

    /// - Throws: ``RegistryError`` with code `.configuration` when a named file can't be read or holds no certificate.
    func settings(for trust: HostTrust, host: String) async throws(RegistryError) -> TLSSettings {
        var settings = TLSSettings()
        settings.verify = trust.verifies
        if let client = trust.clientCertificate {
            settings.clientCertificate = .init(certificatePath: client.certificate, keyPath: client.key)
        }
        guard trust.verifies else { return settings }
        do {
            let bundle = try await bundles.value(for: trust.authorityFiles) { try await load(trust.authorityFiles) }
            settings.caPEM = bundle.isEmpty ? nil : bundle
        } catch let failure as LocalFiles.Failure {
            throw Self.error(host, "cannot read the certificate authority \(failure.path): \(failure.reason)")
        } catch let error as RegistryError {
            throw error
        } catch {
            throw RegistryError(.cancelled, host: host, operation: "load certificates", reason: "cancelled")
        }
        return settings
    }

    /// The system's roots and the extra files; empty when the HTTP library's own default serves.
    private func load(_ extra: [String]) async throws -> [UInt8] {
        var roots: [UInt8] = []
        var system: String?
        if let named = environment["SSL_CERT_FILE"], !named.isEmpty {
            roots = try await files.readIfPresent(named) ?? []
            system = named
        } else {
            for path in Self.systemBundles where system == nil {
                guard !extra.isEmpty || path == Self.systemBundles[0] else { continue }
                if let bytes = try await files.readIfPresent(path) { (roots, system) = (bytes, path) }
            }
        }
        if extra.isEmpty, system == Self.systemBundles[0] { return [] }
        for path in extra {
            let bytes = try await files.read(path)
            guard String(decoding: bytes, as: UTF8.self).contains("-----BEGIN CERTIFICATE-----") else {
                throw Self.error("", "\(path) holds no PEM certificate")
            }
            roots += [0x0a] + bytes
        }
        return roots
    }

    private static func error(_ host: String, _ reason: String) -> RegistryError {
        RegistryError(.configuration, host: host, operation: "load certificates", reason: reason)
    }
}
