import ImgHTTP
import ImgTasks

/// Turns what a host is trusted with into settings for a connection; bundles are put together once (TLS-2…4).
package struct TrustStore: Sendable {
    /// Where a system keeps its trusted roots.
    struct SystemPlaces: Sendable {
        /// The first that is there counts (TLS-2).
        var bundles = [
            "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
            "/etc/pki/tls/cacert.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
        ]
        /// Where Debian and its like keep the roots of the first bundle one by one.
        var directory = "/etc/ssl/certs"
    }

    /// The roots to trust.
    private enum Roots: Sendable {
        case bundle([UInt8])
        /// Under the hashes of their names.
        case directory(String)
        /// What the HTTP library has built in.
        case standard
    }

    let files: LocalFiles
    let environment: [String: String]
    private let system: SystemPlaces
    private let roots = OnceMap<[String], Roots>()

    init(files: LocalFiles, environment: [String: String], system: SystemPlaces = SystemPlaces()) {
        self.files = files
        self.environment = environment
        self.system = system
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
            switch try await roots.value(for: trust.authorityFiles, make: { try await load(trust.authorityFiles) }) {
            case .bundle(let bundle): settings.caPEM = bundle
            case .directory(let path): settings.caDirectory = path
            case .standard: break
            }
        } catch let failure as LocalFiles.Failure {
            throw Self.error(host, "cannot read the certificate authority \(failure.path): \(failure.reason)")
        } catch let error as RegistryError {
            throw error
        } catch {
            throw RegistryError(.cancelled, host: host, operation: "load certificates", reason: "cancelled")
        }
        return settings
    }

    /// The system's roots and the extra files (TLS-2, TLS-4).
    private func load(_ extra: [String]) async throws -> Roots {
        let directories = (environment["SSL_CERT_DIR"] ?? "").split(separator: ":").map(String.init)
        var (path, bundle) = try await systemBundle()
        if extra.isEmpty, path == system.bundles.first, directories.isEmpty || directories == [system.directory],
            try await isRepeated(bundle, in: system.directory)
        {
            return .directory(system.directory)
        }
        // The same certificate lies in such a directory under two names.
        var seen: Set<[UInt8]> = []
        for directory in directories {
            for name in try await files.list(directory) {
                guard let bytes = try? await files.readIfPresent("\(directory)/\(name)"),
                    Self.certificates(bytes) > 0, seen.insert(bytes).inserted
                else { continue }
                bundle += [0x0a] + bytes
            }
        }
        for path in extra {
            let bytes = try await files.read(path)
            guard Self.certificates(bytes) > 0 else { throw Self.error("", "\(path) holds no PEM certificate") }
            bundle += [0x0a] + bytes
        }
        return bundle.isEmpty ? .standard : .bundle(bundle)
    }

    /// The file that the environment names, or else the first that is there; an empty path and no bytes without any.
    private func systemBundle() async throws -> (path: String, bytes: [UInt8]) {
        if let named = environment["SSL_CERT_FILE"], !named.isEmpty {
            return (named, try await files.readIfPresent(named) ?? [])
        }
        for path in system.bundles {
            if let bytes = try await files.readIfPresent(path) { return (path, bytes) }
        }
        return ("", [])
    }

    /// Whether a directory has as many certificates under their hashes as the bundle: then either will do.
    private func isRepeated(_ bundle: [UInt8], in directory: String) async throws -> Bool {
        let hashed = try await files.list(directory)
            .count { name in
                let parts = name.split(separator: ".", omittingEmptySubsequences: false)
                return parts.count == 2 && parts[0].count == 8 && parts[0].allSatisfy(\.isHexDigit)
                    && !parts[1].isEmpty && parts[1].allSatisfy(\.isNumber)
            }
        return hashed > 0 && hashed >= Self.certificates(bundle)
    }

    /// How many certificates a PEM text holds.
    package static func certificates(_ pem: [UInt8]) -> Int {
        pem.split(separator: UInt8(ascii: "\n")).count { $0.starts(with: "-----BEGIN CERTIFICATE-----".utf8) }
    }

    private static func error(_ host: String, _ reason: String) -> RegistryError {
        RegistryError(.configuration, host: host, operation: "load certificates", reason: reason)
    }
}
