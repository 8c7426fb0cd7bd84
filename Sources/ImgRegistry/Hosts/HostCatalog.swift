import ImgHTTP
import ImgReport
import ImgTasks

/// What the configuration says about each registry host, read when first needed (2.2).
///
/// Only the first source with an entry for a host counts: `hosts.toml`, `buildkitd.toml`, `registries.conf`. What the
/// command line adds about trust holds on top of each.
final class HostCatalog: Sendable {
    let settings: HostSettings
    private let files: LocalFiles
    private let trustStore: TrustStore
    private let events: any EventSink
    private let configurations = OnceMap<String, HostConfiguration>()
    private let trusts = OnceMap<String, HostTrust>()
    private let tables = OnceMap<String, TOMLTable?>()

    init(settings: HostSettings, pool: BlockingPool, events: any EventSink) {
        self.settings = settings
        files = LocalFiles(pool: pool)
        trustStore = TrustStore(files: files, environment: settings.environment)
        self.events = events
    }

    /// Endpoints for a repository.
    /// - Parameters:
    ///   - host: As users write it.
    ///   - apiHost: Where the API of that host is (HOST-1).
    func configuration(host: String, apiHost: String, path: String) async throws(RegistryError) -> HostConfiguration {
        try await once(host) {
            try await self.configurations.value(for: "\(host)/\(path)") {
                var found = try await self.search(host: host, apiHost: apiHost, path: path)
                for index in found.endpoints.indices { try await self.complete(&found.endpoints[index]) }
                return found
            }
        }
    }

    /// What a host is trusted with that is no endpoint: a realm or the target of a redirect (SCH-5).
    func trust(of authority: Authority) async throws(RegistryError) -> HostTrust {
        try await once(authority.description) {
            try await self.trusts.value(for: authority.description) {
                var endpoint = Endpoint(authority: authority.description)
                try await self.complete(&endpoint)
                return endpoint.trust
            }
        }
    }

    func tls(for trust: HostTrust, host: String) async throws(RegistryError) -> TLSSettings {
        try await trustStore.settings(for: trust, host: host)
    }

    private func once<T: Sendable>(_ host: String, _ body: () async throws -> T) async throws(RegistryError) -> T {
        do {
            return try await body()
        } catch let error as RegistryError {
            throw error
        } catch {
            throw RegistryError(.cancelled, host: host, operation: "read the host's settings", reason: "cancelled")
        }
    }
}

// MARK: - Sources

extension HostCatalog {
    private func search(host: String, apiHost: String, path: String) async throws -> HostConfiguration {
        for root in settings.hostsDirectories {
            for name in Self.directoryNames(host) {
                let directory = "\(root)/\(name)"
                guard let table = try await table(at: "\(directory)/hosts.toml") else { continue }
                return try hostsFile(table, directory, host: host, apiHost: apiHost)
            }
        }
        for file in settings.buildkitFiles {
            guard let table = try await table(at: file),
                let endpoints = BuildkitFile.read(table, namespace: host, defaultHost: apiHost)
            else { continue }
            return HostConfiguration(endpoints: endpoints, source: file)
        }
        for file in try await registriesFiles() {
            guard let table = try await table(at: file),
                var found = RegistriesFile.read(table, host: host, path: path, defaultHost: apiHost)
            else { continue }
            found.source = file
            return found
        }
        return HostConfiguration(endpoints: [Endpoint(authority: apiHost)], source: "defaults")
    }

    private static func directoryNames(_ host: String) -> [String] {
        let authority = Authority(host)
        guard let port = authority.port else { return [host, "_default"] }
        return ["\(authority.host)_\(port)_", host, "_default"]
    }

    private func hostsFile(
        _ table: TOMLTable,
        _ directory: String,
        host: String,
        apiHost: String
    ) throws(RegistryError) -> HostConfiguration {
        let file = "\(directory)/hosts.toml"
        do {
            let reading = try HostsFile.read(table, directory: directory, namespace: host, defaultHost: apiHost)
            for warning in reading.warnings {
                events.emit(.warning(Diagnostic(.warning, "\(file): \(warning) is ignored")))
            }
            return HostConfiguration(endpoints: reading.endpoints, source: file)
        } catch {
            throw Self.invalid(file, error.message)
        }
    }

    private func registriesFiles() async throws -> [String] {
        for file in settings.registriesFiles {
            guard try await files.readIfPresent(file) != nil else { continue }
            let directory = file + ".d"
            // Drop-ins are looked at first: they are meant to override.
            let names = try await files.list(directory).filter { $0.hasSuffix(".conf") }
            return names.reversed().map { "\(directory)/\($0)" } + [file]
        }
        return []
    }

    private func table(at path: String) async throws -> TOMLTable? {
        try await tables.value(for: path) {
            guard let bytes = try await self.files.readIfPresent(path) else { return nil }
            do throws(TOMLError) {
                return try TOML.parse(bytes)
            } catch {
                throw Self.invalid(path, error.description)
            }
        }
    }

    private static func invalid(_ file: String, _ reason: String) -> RegistryError {
        RegistryError(.configuration, host: file, operation: "read the registry configuration", reason: reason)
    }
}

// MARK: - Trust

extension HostCatalog {
    /// Adds what holds for a host whatever source it came from: the command line, loopback and `certs.d`.
    private func complete(_ endpoint: inout Endpoint) async throws {
        let authority = Authority(endpoint.authority)
        if settings.isInsecure(authority) {
            endpoint.trust.verifies = false
            endpoint.trust.allowsPlainHTTP = true
        } else if NetworkAddress.classify(authority.host) == .loopback, authority.port != 443 {
            endpoint.trust.allowsPlainHTTP = true
        }
        for given in settings.certificateAuthorities {
            guard given.host.map({ Authority($0) == authority }) ?? true else { continue }
            endpoint.trust.authorityFiles.append(given.path)
        }
        for root in settings.hostsDirectories + settings.certificateDirectories {
            try await addCertificates(in: "\(root)/\(endpoint.authority)", to: &endpoint.trust)
        }
    }

    /// Docker's layout: `*.crt` are authorities, `X.cert` with `X.key` is the client's pair (TLS-3).
    private func addCertificates(in directory: String, to trust: inout HostTrust) async throws {
        let names = try await files.list(directory)
        guard !names.contains("hosts.toml") else { return }
        for name in names where name.hasSuffix(".crt") { trust.authorityFiles.append("\(directory)/\(name)") }
        for name in names {
            let stem = name.split(separator: ".").dropLast().joined(separator: ".")
            let partner: String
            if name.hasSuffix(".cert") {
                partner = "\(stem).key"
            } else if name.hasSuffix(".key") {
                partner = "\(stem).cert"
            } else {
                continue
            }
            guard names.contains(partner) else {
                throw Self.invalid(directory, "\(name) is there without \(partner)")
            }
            guard trust.clientCertificate == nil, name.hasSuffix(".cert") else { continue }
            trust.clientCertificate = .init(certificate: "\(directory)/\(name)", key: "\(directory)/\(partner)")
        }
    }
}
