import ImgReport

/// The credentials of a profile in AWS's files (AWS-5…7).
struct ProfileSource: Sendable {
    let search: AWSSearch

    private var settings: AWSSettings { search.settings }

    /// The profile that the settings name.
    func credentials() async throws(BuildError) -> AWSSourceAnswer {
        guard settings.profile != nil || settings.choice != .byDefault else {
            return .notConfigured("no profile `default` in \(settings.paths.joined(separator: " or "))")
        }
        return try await resolve(settings.profileName, chain: [])
    }

    /// Keys that stand in the profile itself, if those are what it uses.
    func staticCredentials() throws(BuildError) -> AWSCredentials? {
        guard let profile = settings.profile, profile["role_arn"] == nil, profile.hasStaticKeys else { return nil }
        return try staticCredentials(of: profile)
    }

    /// - Parameter chain: Profiles that led here by `source_profile`.
    private func resolve(_ name: String, chain: [String]) async throws(BuildError) -> AWSSourceAnswer {
        guard let profile = settings.profiles.profile(name) else { throw unknown(name, chain) }
        if chain.contains(name) {
            // A profile may name itself as the source of its own role when it has keys.
            if chain.last == name, profile.hasStaticKeys { return .found(try staticCredentials(of: profile)) }
            throw BuildError(
                .denied,
                "AWS profiles refer to each other in a circle: \((chain + [name]).joined(separator: " -> "))"
            )
        }
        if let role = profile["role_arn"] {
            return .found(try await assume(role, profile, chain: chain + [name]))
        }
        if profile.hasStaticKeys { return .found(try staticCredentials(of: profile)) }
        if profile["sso_session"] != nil || profile["sso_start_url"] != nil {
            return .found(try await SSO(search: search, profile: profile).credentials())
        }
        if let command = profile["credential_process"] {
            return .found(try await CredentialProcess(search: search, profile: profile.name).credentials(command))
        }
        if profile["login_session"] != nil { throw loginSession(profile) }
        if profile["aws_access_key_id"] != nil || profile["aws_secret_access_key"] != nil {
            throw BuildError(
                .denied,
                "AWS profile \(name) holds only one of aws_access_key_id and aws_secret_access_key"
            )
        }
        return .notConfigured("profile `\(name)` holds no credentials")
    }

    private func assume(
        _ arn: String,
        _ profile: AWSProfile,
        chain: [String]
    ) async throws(BuildError) -> AWSCredentials {
        let sessionName = profile["role_session_name"] ?? search.defaultSessionName
        if let file = profile["web_identity_token_file"] {
            let path = search.environment.expandingTilde(file)
            return try await STS(search: search)
                .assumeWithWebIdentity(arn, sessionName: sessionName, tokenFile: path)
        }
        var role = STS.Role(arn: arn, sessionName: sessionName, externalID: profile["external_id"])
        role.durationSeconds = profile["duration_seconds"].flatMap { Int($0) }
        let base = try await baseCredentials(profile, chain: chain)
        if let serial = profile["mfa_serial"] {
            role.mfaSerial = serial
            role.mfaCode = try await askForCode(serial, profile)
        }
        var credentials = try await STS(search: search).assume(role, with: base)
        credentials.source = "profile \(profile.name), role \(arn)"
        return credentials
    }

    private func baseCredentials(_ profile: AWSProfile, chain: [String]) async throws(BuildError) -> AWSCredentials {
        let answer: AWSSourceAnswer
        let place: String
        if let source = profile["source_profile"] {
            place = "source_profile \(source)"
            answer = try await resolve(source, chain: chain)
        } else if let source = profile["credential_source"] {
            place = "credential_source \(source)"
            switch source {
            case "Environment": answer = try EnvironmentSource(environment: search.environment).credentials()
            case "Ec2InstanceMetadata": answer = try await InstanceMetadata(search: search).credentials()
            case "EcsContainer": answer = try await ContainerEndpoint(search: search).credentials()
            default:
                throw BuildError(
                    .denied,
                    "AWS profile \(profile.name): unknown credential_source \(ForeignText.line(source))",
                    hints: ["use Environment, Ec2InstanceMetadata or EcsContainer"]
                )
            }
        } else {
            throw BuildError(
                .denied,
                "AWS profile \(profile.name) has a role_arn and nothing to take the role on with",
                hints: ["add source_profile, credential_source or web_identity_token_file"]
            )
        }
        switch answer {
        case .found(let credentials): return credentials
        case .notConfigured(let reason):
            throw BuildError(.denied, "AWS profile \(profile.name): \(place) gives no credentials: \(reason)")
        }
    }

    private func askForCode(_ serial: String, _ profile: AWSProfile) async throws(BuildError) -> String {
        guard let ask = search.mfaCode else {
            throw BuildError(
                .denied,
                "AWS profile \(profile.name) needs the code of the MFA device \(serial), and there is no terminal to ask on",
                hints: ["use a session created beforehand, such as the output of `aws sts get-session-token`"]
            )
        }
        do {
            return try await ask(serial).trimmed()
        } catch {
            throw BuildError(.denied, "no code given for the MFA device \(serial) of AWS profile \(profile.name)")
        }
    }

    private func staticCredentials(of profile: AWSProfile) throws(BuildError) -> AWSCredentials {
        let credentials = AWSCredentials(
            accessKeyID: profile["aws_access_key_id"] ?? "",
            secretAccessKey: Secret(profile["aws_secret_access_key"] ?? ""),
            sessionToken: profile["aws_session_token"].map(Secret.init),
            source: "profile \(profile.name)"
        )
        guard credentials.isWellFormed else {
            throw BuildError(.denied, "the keys of AWS profile \(profile.name) hold control characters")
        }
        return credentials
    }

    private func unknown(_ name: String, _ chain: [String]) -> BuildError {
        let names = settings.profiles.names
        let referrer = chain.last.map { " (source_profile of \($0))" } ?? ""
        return BuildError(
            .denied,
            "there is no AWS profile \(ForeignText.line(name))\(referrer)\(Suggestion.suffix(name, among: names))",
            notes: [
                "searched: \(settings.paths.joined(separator: ", "))",
                names.isEmpty ? "no profiles are defined" : "known profiles: \(names.joined(separator: ", "))",
            ],
            hints: ["choose one with --aws-profile or AWS_PROFILE"]
        )
    }

    private func loginSession(_ profile: AWSProfile) -> BuildError {
        BuildError(
            .denied,
            "AWS profile \(profile.name) uses `aws login`, which is not supported directly",
            hints: [
                "add a profile with credential_process = aws configure export-credentials --profile \(profile.name) "
                    + "--format process"
            ]
        )
    }
}
