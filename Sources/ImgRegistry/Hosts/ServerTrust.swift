package import ImgHTTP
package import ImgReport
package import ImgTasks

/// Which certificates are trusted, for registries and for whatever else is asked over HTTPS.
package struct ServerTrust: Sendable {
    let catalog: HostCatalog

    /// - Parameters:
    ///   - pool: For reading certificates.
    ///   - events: Warnings about configuration files.
    package init(settings: HostSettings, pool: BlockingPool, events: any EventSink) {
        catalog = HostCatalog(settings: settings, pool: pool, events: events)
    }

    /// The roots for a server that is no registry: the system's, and the authorities that the user has given for its host or
    /// for all (TLS-2…5).
    ///
    /// What else is set for a registry of that name is none of its business.
    ///
    /// - Parameter files: Further authorities.
    /// - Throws: ``BuildError`` when a file cannot be read or holds no certificate.
    package func settings(for url: URLParts, adding files: [String] = []) async throws(BuildError) -> TLSSettings {
        guard url.scheme == "https" else { return TLSSettings() }
        let authority = Authority(url.authority)
        do throws(RegistryError) {
            var trust = HostTrust()
            trust.authorityFiles = try await catalog.trust(of: authority).authorityFiles + files
            return try await catalog.tls(for: trust, host: url.authority)
        } catch {
            throw error.buildError
        }
    }
}
