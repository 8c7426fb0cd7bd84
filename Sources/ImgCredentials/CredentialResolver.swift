import ImgOCI
package import ImgReport

/// Finds the credential for a registry (CFG-4).
///
/// The order is: given explicitly, `DOCKER_AUTH_CONFIG`, then for each configuration file its helper for the host, its
/// store and its entries, then the built-in provider for Amazon ECR, then none.
package final class CredentialResolver: Sendable {
    /// What the command line adds to the environment.
    package struct Options: Sendable {
        /// Credentials for single hosts, before everything else (CFG-11).
        package var explicit: [String: Credential]
        package var awsProfile: String?
        package var helperTimeLimit: Duration
        /// Asks the person at the terminal for the code of an MFA device.
        package var mfaCode: (@Sendable (_ serial: String) async throws -> String)?

        package init(
            explicit: [String: Credential] = [:],
            awsProfile: String? = nil,
            helperTimeLimit: Duration = .seconds(60),
            mfaCode: (@Sendable (_ serial: String) async throws -> String)? = nil
        ) {
            self.explicit = explicit
            self.awsProfile = awsProfile
            self.helperTimeLimit = helperTimeLimit
            self.mfaCode = mfaCode
        }
    }

    /// Passwords and repositories of Amazon ECR.
    package let ecr: ECRProvider

    private let context: CredentialContext
    private let explicit: [RegistryKey: Credential]
    private let sources: DockerConfigSources
    private let desk: HelperDesk
    private let configs = ExpiringCache<Int, [DockerConfig]>()

    package init(context: CredentialContext, options: Options = Options()) {
        self.context = context
        let pairs = options.explicit.map { (RegistryKey(host: $0.key), $0.value) }
        explicit = Dictionary(pairs) { first, _ in first }
        sources = DockerConfigSources(context: context)
        desk = HelperDesk(context: context, timeLimit: options.helperTimeLimit)
        let client = AWSClient(context: context)
        let chain = AWSCredentialChain(client: client, profile: options.awsProfile, mfaCode: options.mfaCode)
        ecr = ECRProvider(client: client, chain: chain)
    }

    /// The credential to present for a repository.
    /// - Parameters:
    ///   - host: host[:port] as in the reference.
    ///   - repository: The path; Podman's keys may be limited to some (CFG-10).
    ///   - purpose: A failing helper stops a push; a pull goes on anonymously with a warning.
    package func credential(
        for host: String,
        repository: String,
        purpose: CredentialPurpose
    ) async throws(BuildError) -> ResolvedCredential {
        let key = RegistryKey(host: host, path: repository)
        if let given = explicit[RegistryKey(host: host)] {
            return ResolvedCredential(given, source: "the command line", origin: .explicit)
        }
        let configs = try await loadConfigs()
        for config in configs {
            switch try await look(for: key, in: config, purpose) {
            case .found(let resolved): return resolved
            case .givenUp(let helper):
                return ResolvedCredential(.anonymous, source: "\(helper) failed", origin: .none)
            case .absent: break
            }
        }
        if let registry = ECRRegistry(host: key.host) { return try await signIn(registry, purpose) }
        var anonymous = ResolvedCredential.anonymous
        let places = sources.places.joined(separator: ", ")
        anonymous.source = "no credentials found (searched: \(places.isEmpty ? "nothing, HOME is not set" : places))"
        return anonymous
    }

    /// What else to try after the registry refused a credential: for Amazon ECR the built-in provider, when a stored
    /// password has expired (CFG-5).
    /// - Returns: nil when there is nothing else.
    /// - Throws: Why the provider has no password.
    package func alternative(
        to rejected: ResolvedCredential,
        for host: String
    ) async throws(BuildError) -> ResolvedCredential? {
        guard rejected.origin == .file, let registry = ECRRegistry(host: RegistryKey(host: host).host) else {
            return nil
        }
        let fresh = try await ecr.credential(for: registry)
        context.events.emit(
            .note(
                "the password for \(registry.host) in \(rejected.source) has expired; signing in with \(fresh.source) "
                    + "(`imgbuild logout \(registry.host)` removes it)"
            )
        )
        return fresh
    }

    /// Forgets what is kept for a host, so that the next question goes to its source again.
    package func invalidate(_ host: String) {
        let key = RegistryKey(host: host)
        configs.forget { _ in true }
        desk.forget(key)
        if ECRRegistry(host: key.host) != nil { ecr.forget() }
    }

    /// Headers that Docker's configuration adds to requests for registries (CFG-2).
    package func configuredHeaders() async throws(BuildError) -> [CredentialHeader] {
        try await loadConfigs().first { !$0.headers.isEmpty }?.headers ?? []
    }
}

extension CredentialResolver {
    private enum Finding {
        case found(ResolvedCredential)
        case absent
        /// A source failed on a pull, which goes on without credentials.
        case givenUp(helper: String)
    }

    private func loadConfigs() async throws(BuildError) -> [DockerConfig] {
        let now = context.environment.now()
        do {
            return try await configs.value(for: 0, at: now) {
                let loaded = try await self.sources.load()
                return Aging(value: loaded, staleAt: Timestamp(seconds: now.seconds + HelperDesk.period))
            }
        } catch let error as BuildError {
            throw error
        } catch {
            throw BuildError(.interrupted, "reading credentials was cancelled")
        }
    }

    private func look(
        for key: RegistryKey,
        in config: DockerConfig,
        _ purpose: CredentialPurpose
    ) async throws(BuildError) -> Finding {
        if let helper = config.hostHelper(for: key) {
            let question = HelperDesk.Question(suffix: helper.suffix, serverKey: helper.serverKey)
            let finding = try await ask(question, .hostHelper, key, config, purpose)
            guard case .absent = finding else { return finding }
        }
        if let suffix = config.credentialStore {
            let question = HelperDesk.Question(suffix: suffix, serverKey: key.storageKey)
            let finding = try await ask(question, .catchAllStore, key, config, purpose)
            guard case .absent = finding else { return finding }
        }
        guard let credential = try config.storedCredential(for: key) else { return .absent }
        return .found(ResolvedCredential(credential, source: config.origin, origin: .file))
    }

    private func ask(
        _ question: HelperDesk.Question,
        _ origin: ResolvedCredential.Origin,
        _ key: RegistryKey,
        _ config: DockerConfig,
        _ purpose: CredentialPurpose
    ) async throws(BuildError) -> Finding {
        let helper = desk.helper(question.suffix)
        let answer = try await desk.ask(question) { [context] failure in
            guard purpose == .pull, !Self.isReplaced(failure, question) else { return }
            var warning = helper.describe(failure, host: key.host, origin: config.origin)
            warning.severity = .warning
            warning.notes.append("going on without credentials")
            context.events.emit(.warning(warning))
        }
        switch answer {
        case .success(let credential?):
            return .found(ResolvedCredential(credential, source: helper.programName, origin: origin))
        case .success(nil): return .absent
        case .failure(let failure):
            if Self.isReplaced(failure, question) {
                context.debug("\(helper.programName) is not installed; the built-in provider takes its place")
                return .absent
            }
            guard purpose == .pull else {
                throw BuildError(
                    .denied,
                    diagnostics: [helper.describe(failure, host: key.host, origin: config.origin)]
                )
            }
            return .givenUp(helper: helper.programName)
        }
    }

    /// Amazon's helper does nothing that the built-in provider doesn't do (HLP-6).
    private static func isReplaced(_ failure: CredentialHelper.Failure, _ question: HelperDesk.Question) -> Bool {
        failure == .missing && question.suffix == "ecr-login"
    }

    private func signIn(
        _ registry: ECRRegistry,
        _ purpose: CredentialPurpose
    ) async throws(BuildError) -> ResolvedCredential {
        guard registry.isPublic, purpose == .pull else { return try await ecr.credential(for: registry) }
        do {
            if let resolved = try await ecr.credentialWithoutSearch(for: registry) { return resolved }
            context.debug("pulling from \(registry.host) anonymously: no AWS credentials at hand")
        } catch {
            if error.code == .interrupted { throw error }
            context.debug("pulling from \(registry.host) anonymously: \(error)")
        }
        return .anonymous
    }
}
