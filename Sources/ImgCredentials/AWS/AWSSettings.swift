import ImgOCI
import ImgReport

/// AWS's configuration files and variables, read once for a search.
struct AWSSettings: Sendable {
    /// How the profile in use was chosen.
    enum Choice: Hashable, Sendable {
        /// By an option: nothing else is looked at (AWS-1).
        case option
        /// By `AWS_PROFILE` or `AWS_DEFAULT_PROFILE`.
        case variable(String)
        case byDefault
    }

    let environment: CredentialEnvironment
    let profiles: AWSProfiles
    let profileName: String
    let choice: Choice
    /// The files that were looked for, for messages.
    let paths: [String]

    static func load(_ context: CredentialContext, profile: String?) async throws(BuildError) -> AWSSettings {
        let environment = context.environment
        let config = path("AWS_CONFIG_FILE", "config", environment)
        let credentials = path("AWS_SHARED_CREDENTIALS_FILE", "credentials", environment)
        let profiles = AWSProfiles(
            config: try await read(config, context),
            credentials: try await read(credentials, context)
        )
        let variable = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"].first { environment.variable($0) != nil }
        let choice: Choice = profile != nil ? .option : variable.map { .variable($0) } ?? .byDefault
        return AWSSettings(
            environment: environment,
            profiles: profiles,
            profileName: profile ?? variable.flatMap(environment.variable) ?? "default",
            choice: choice,
            paths: [config, credentials].compactMap(\.self)
        )
    }

    private static func path(_ variable: String, _ name: String, _ environment: CredentialEnvironment) -> String? {
        if let path = environment.variable(variable) { return environment.expandingTilde(path) }
        return environment.home.isEmpty ? nil : "\(environment.home)/.aws/\(name)"
    }

    private static func read(_ path: String?, _ context: CredentialContext) async throws(BuildError) -> AWSConfigFile {
        guard let path else { return AWSConfigFile() }
        do {
            return AWSConfigFile(parsing: try await context.files.read(path) ?? [])
        } catch {
            throw BuildError(.denied, "cannot read AWS configuration from \(path): \(error.reason)")
        }
    }
}

extension AWSSettings {
    var profile: AWSProfile? { profiles.profile(profileName) }

    /// The configured region; `fallback` is that of the registry (AWS-4).
    func region(fallback: String) -> String {
        environment.variable("AWS_REGION") ?? environment.variable("AWS_DEFAULT_REGION") ?? profile?["region"]
            ?? fallback
    }

    var usesFIPS: Bool { isTrue("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint") }
    var usesDualStack: Bool { isTrue("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint") }

    /// Further certificates for AWS's own services (AWS-18).
    var caBundlePath: String? {
        (environment.variable("AWS_CA_BUNDLE") ?? profile?["ca_bundle"]).map(environment.expandingTilde)
    }

    private func isTrue(_ variable: String, _ key: String) -> Bool {
        (environment.variable(variable) ?? profile?[key])?.lowercased() == "true"
    }

    /// The endpoint that the user gives for a service in place of the public one (ECR-8).
    /// - Parameter service: `ecr`, `ecr_public`, `sts`, `sso` or `sso_oidc`.
    /// - Throws: For URLs that aren't absolute, and for plain http to anything but loopback (ECR-9).
    func endpointOverride(_ service: String) throws(BuildError) -> String? {
        guard !isTrue("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls") else { return nil }
        let text =
            environment.variable("AWS_ENDPOINT_URL_\(service.uppercased())") ?? environment.variable("AWS_ENDPOINT_URL")
            ?? profile.flatMap { profiles.serviceEndpoint(service, of: $0) ?? $0["endpoint_url"] }
        guard let text else { return nil }
        guard let url = AWSURL(text), url.query.isEmpty else {
            throw BuildError(.usage, "the AWS endpoint for \(service) is not an absolute http or https URL")
        }
        guard url.scheme == "https" || url.isLoopback else {
            throw BuildError(
                .usage,
                "the AWS endpoint \(url.host) for \(service) uses plain http",
                hints: ["use https; plain http is accepted for loopback addresses only"]
            )
        }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }

    /// The token service and the region to sign for.
    func stsEndpoint(fallbackRegion: String) throws(BuildError) -> (url: String, region: String) {
        let region = region(fallback: fallbackRegion)
        if let override = try endpointOverride("sts") { return (override, region) }
        let partition = AWSPartition.of(region: region)
        if environment.variable("AWS_STS_REGIONAL_ENDPOINTS")?.lowercased() == "legacy", partition == .standard {
            return ("https://sts.amazonaws.com", "us-east-1")
        }
        let suffix = usesDualStack ? partition.dualStackSuffix : partition.apiSuffix
        return ("https://sts\(usesFIPS ? "-fips" : "").\(region).\(suffix)", region)
    }

    /// The endpoint of IAM Identity Center's token service or portal.
    func ssoEndpoint(_ service: String, host: String, region: String) throws(BuildError) -> String {
        try endpointOverride(service) ?? "https://\(host).\(region).\(AWSPartition.of(region: region).apiSuffix)"
    }
}
