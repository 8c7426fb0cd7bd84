import ImgOCI
package import ImgReport
import Synchronization

/// Passwords for Amazon ECR from AWS credentials, without any helper program (ECR-13…15).
package final class ECRProvider: Sendable {
    /// What a password is good for.
    private struct Place: Hashable, Sendable {
        let partition: String
        let region: String
        let service: String

        init(_ registry: ECRRegistry) {
            partition = registry.partition.name
            region = registry.region
            service = registry.service
        }
    }

    private struct Key: Hashable, Sendable {
        let place: Place
        let accessKeyID: String
    }

    private struct Entry: Sendable {
        let resolved: ResolvedCredential
        let expiration: Timestamp
    }

    private let client: AWSClient
    private let chain: AWSCredentialChain
    private let cache = ExpiringCache<Key, Entry>()
    /// The last password for each place, for the case that a refresh fails.
    private let last = Mutex<[Place: Entry]>([:])

    init(client: AWSClient, chain: AWSCredentialChain) {
        self.client = client
        self.chain = chain
    }

    /// A password for a registry, renewed at half its life.
    ///
    /// While an old one is still valid, a failing renewal only warns.
    func credential(for registry: ECRRegistry) async throws(BuildError) -> ResolvedCredential {
        do {
            let keys = try await chain.credentials(fallbackRegion: registry.region)
            let key = Key(place: Place(registry), accessKeyID: keys.accessKeyID)
            return try await cache.value(for: key, at: client.now) { try await self.fetch(registry, keys) }.resolved
        } catch let error as BuildError {
            let entry = last.withLock { $0[Place(registry)] }
            guard error.code != .interrupted, let entry, entry.expiration > client.now else { throw error }
            client.context.warn(
                "the password for \(registry.host) could not be renewed and is used until \(entry.expiration.rfc3339): \(error)"
            )
            return entry.resolved
        } catch {
            throw BuildError(.interrupted, "signing in at \(registry.host) was cancelled")
        }
    }

    /// As ``credential(for:)``, but nil when finding AWS credentials would need the network (ECR-15).
    func credentialWithoutSearch(for registry: ECRRegistry) async throws(BuildError) -> ResolvedCredential? {
        guard try await chain.localCredentials() != nil else { return nil }
        return try await credential(for: registry)
    }

    /// Makes a repository unless it is there (ECR-23).
    /// - Returns: False when it was there already.
    /// - Throws: For names that ECR doesn't take (ECR-24) and for refusals.
    package func createRepository(
        _ path: String,
        at registry: ECRRegistry,
        _ options: ECRRepositoryOptions
    ) async throws(BuildError) -> Bool {
        let name = try repositoryName(path, registry)
        let keys = try await chain.credentials(fallbackRegion: registry.region)
        let api = ECRClient(
            client: client,
            settings: try await chain.settings(),
            registry: registry,
            credentials: keys
        )
        return try await api.createRepository(name, options)
    }

    /// Forgets passwords and keys, so that the next request fetches new ones.
    func forget() {
        cache.forget { _ in true }
        last.withLock { $0.removeAll() }
        chain.forget()
    }

    private func fetch(_ registry: ECRRegistry, _ keys: AWSCredentials) async throws(BuildError) -> Aging<Entry> {
        let api = ECRClient(
            client: client,
            settings: try await chain.settings(),
            registry: registry,
            credentials: keys
        )
        let start = client.now
        let token = try await api.authorizationToken()
        // A password ends with the session that asked for it.
        let end = keys.expiration.map { min($0, token.expiration) } ?? token.expiration
        let entry = Entry(
            resolved: ResolvedCredential(
                .basic(user: "AWS", password: token.password),
                source: "AWS \(keys.source)",
                origin: .ecr,
                account: "AWS access key \(keys.maskedKeyID)"
            ),
            expiration: end
        )
        last.withLock { $0[Place(registry)] = entry }
        return Aging(value: entry, staleAt: Timestamp(seconds: start.seconds + (end.seconds - start.seconds) / 2))
    }

    private func repositoryName(_ path: String, _ registry: ECRRegistry) throws(BuildError) -> String {
        // Public repositories stand below the account's alias, which is not part of the name.
        let name = registry.isPublic ? path.split(separator: "/").dropFirst().joined(separator: "/") : path
        if name.contains("amazonaws.com") {
            throw BuildError(
                .usage,
                "the repository name \(name) contains the registry host",
                hints: ["the form is \(registry.host)/REPOSITORY:TAG"]
            )
        }
        let first = name.utf8.first ?? 0
        guard (2...256).contains(name.utf8.count), (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first) else {
            throw BuildError(
                .usage,
                "Amazon ECR does not take \(name.debugDescription) as a repository name",
                hints: ["names have 2 to 256 characters and begin with a lower-case letter"]
            )
        }
        return name
    }
}
