import ImgOCI
import ImgReport

/// Finds keys for AWS in the order of its SDKs (AWS-1) and keeps them until shortly before they expire.
final class AWSCredentialChain: Sendable {
    /// Seconds before their end at which keys are fetched anew (AWS-13).
    private static let margin: Int64 = 300

    private let client: AWSClient
    private let profile: String?
    private let mfaCode: (@Sendable (_ serial: String) async throws -> String)?
    private let cache = ExpiringCache<String, AWSCredentials>()

    /// - Parameter profile: From an option; then nothing but this profile is looked at.
    init(
        client: AWSClient,
        profile: String?,
        mfaCode: (@Sendable (_ serial: String) async throws -> String)?
    ) {
        self.client = client
        self.profile = profile
        self.mfaCode = mfaCode
    }

    /// - Parameter fallbackRegion: Where to find the token service when no region is configured.
    /// - Throws: When a configured source fails, and when none is configured: then with a line for each (AWS-20).
    func credentials(fallbackRegion: String) async throws(BuildError) -> AWSCredentials {
        do {
            return try await cache.value(for: fallbackRegion, at: client.now) {
                let found = try await self.search(fallbackRegion)
                return Aging(value: found, staleAt: self.staleTime(of: found))
            }
        } catch let error as BuildError {
            throw error
        } catch {
            throw BuildError(.interrupted, "the search for AWS credentials was cancelled")
        }
    }

    /// Keys that are at hand without asking anyone (ECR-15); nil when the first configured source needs the network.
    func localCredentials() async throws(BuildError) -> AWSCredentials? {
        let search = try await makeSearch(fallbackRegion: "us-east-1")
        let environment = search.environment
        if search.settings.choice != .option {
            if case .found(let keys) = try EnvironmentSource(environment: environment).credentials() { return keys }
            if environment.variable("AWS_WEB_IDENTITY_TOKEN_FILE") != nil { return nil }
        }
        return try ProfileSource(search: search).staticCredentials()
    }

    /// The settings as they are now.
    func settings() async throws(BuildError) -> AWSSettings {
        try await AWSSettings.load(client.context, profile: profile)
    }

    func forget() {
        cache.forget { _ in true }
    }

    private func staleTime(of credentials: AWSCredentials) -> Timestamp? {
        credentials.expiration.map { end in
            // Keys that live shorter than the margin are used, and asked for again the next time.
            max(Timestamp(seconds: end.seconds - Self.margin), client.now)
        }
    }

    private func makeSearch(fallbackRegion: String) async throws(BuildError) -> AWSSearch {
        AWSSearch(client: client, settings: try await settings(), fallbackRegion: fallbackRegion, mfaCode: mfaCode)
    }

    private func search(_ fallbackRegion: String) async throws(BuildError) -> AWSCredentials {
        let search = try await makeSearch(fallbackRegion: fallbackRegion)
        var skipped: [String] = []
        func note(_ answer: AWSSourceAnswer, _ place: String) -> AWSCredentials? {
            switch answer {
            case .found(let credentials):
                client.context.debug("AWS credentials: \(credentials.source), access key \(credentials.maskedKeyID)")
                return credentials
            case .notConfigured(let reason):
                skipped.append("\(place): \(reason)")
                return nil
            }
        }

        if search.settings.choice == .option {
            if let found = note(try await ProfileSource(search: search).credentials(), "profile") { return found }
            throw nothingFound(skipped)
        }
        let environment = EnvironmentSource(environment: search.environment)
        if let found = note(try environment.credentials(), "environment") {
            if case .variable(let name) = search.settings.choice {
                client.context.debug("AWS keys in the environment win over \(name)=\(search.settings.profileName)")
            }
            return found
        }
        if let found = note(try await WebIdentitySource(search: search).credentials(), "web identity") { return found }
        if let found = note(try await ProfileSource(search: search).credentials(), "profile") { return found }
        if let found = note(try await ContainerEndpoint(search: search).credentials(), "container") { return found }
        if let found = note(try await InstanceMetadata(search: search).credentials(), "EC2 instance") { return found }
        throw nothingFound(skipped)
    }

    private func nothingFound(_ skipped: [String]) -> BuildError {
        BuildError(
            .denied,
            "no AWS credentials found",
            notes: skipped,
            hints: [
                "set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run `aws sso login`",
                "on EC2, ECS or EKS attach a role",
            ]
        )
    }
}
