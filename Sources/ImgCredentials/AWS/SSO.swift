import ImgOCI
import ImgReport

/// Roles of IAM Identity Center by way of the token that `aws sso login` left (AWS-8, AWS-9).
struct SSO: Sendable {
    /// Seconds before its end at which a token is renewed.
    private static let margin: Int64 = 300

    /// What the profile says.
    private struct Configuration {
        let region: String
        let account: String
        let role: String
        /// The text whose hash names the cache file: session name, or start URL in profiles of the old form.
        let cacheKey: String
    }

    let search: AWSSearch
    let profile: AWSProfile

    func credentials() async throws(BuildError) -> AWSCredentials {
        let configuration = try configuration()
        let token = try await accessToken(configuration)
        let host = try search.settings.ssoEndpoint("sso", host: "portal.sso", region: configuration.region)
        let query = AWSURL.form([("account_id", configuration.account), ("role_name", configuration.role)])
        let request = CredentialRequest(
            "GET",
            "\(host)/federation/credentials?\(String(decoding: query, as: UTF8.self))",
            headers: [CredentialHeader("x-amz-sso_bearer_token", token.exposed)],
            caBundlePath: search.settings.caBundlePath
        )
        let reply: CredentialReply
        do throws(AWSClient.Failure) {
            reply = try await search.client.send(request)
        } catch {
            if case .api(let answer) = error, answer.status == 401 { throw expired("is no longer accepted") }
            throw BuildError(
                error.code,
                "AWS profile \(profile.name): no credentials for role \(configuration.role) "
                    + "in account \(configuration.account): \(error.text)",
                hints: error.code == .denied ? ["check that the role is assigned to you in that account"] : []
            )
        }
        return try roleCredentials(reply, configuration)
    }

    private func configuration() throws(BuildError) -> Configuration {
        var keys: (region: String?, url: String?) = (profile["sso_region"], profile["sso_start_url"])
        var cacheKey = profile["sso_start_url"]
        if let name = profile["sso_session"] {
            guard let session = search.settings.profiles.session(name) else {
                throw BuildError(.denied, "AWS profile \(profile.name): there is no section [sso-session \(name)]")
            }
            keys = (session["sso_region"] ?? keys.region, session["sso_start_url"] ?? keys.url)
            cacheKey = name
        }
        guard let region = keys.region, let account = profile["sso_account_id"], let role = profile["sso_role_name"],
            let cacheKey
        else {
            throw BuildError(
                .denied,
                "AWS profile \(profile.name): sso_region, sso_account_id and sso_role_name are all needed",
                hints: ["run `aws configure sso --profile \(profile.name)`"]
            )
        }
        return Configuration(region: region, account: account, role: role, cacheKey: cacheKey)
    }

    private func roleCredentials(
        _ reply: CredentialReply,
        _ configuration: Configuration
    ) throws(BuildError) -> AWSCredentials {
        let role = try? JSON.parse(reply.body)["roleCredentials"]?.objectValue
        guard let role, let id = role["accessKeyId"]?.stringValue, let key = role["secretAccessKey"]?.stringValue,
            let token = role["sessionToken"]?.stringValue
        else { throw BuildError(.denied, "AWS profile \(profile.name): the portal sent no credentials") }
        let credentials = AWSCredentials(
            accessKeyID: id,
            secretAccessKey: Secret(key),
            sessionToken: Secret(token),
            // Milliseconds, unlike every other time of AWS.
            expiration: role["expiration"]?.integerValue.map { Timestamp(seconds: $0 / 1000) },
            source: "profile \(profile.name), SSO role \(configuration.role) in \(configuration.account)"
        )
        guard credentials.isWellFormed else {
            throw BuildError(.denied, "AWS profile \(profile.name): the portal sent malformed keys")
        }
        return credentials
    }

    // MARK: The cached token

    private func cachePath(_ configuration: Configuration) throws(BuildError) -> String {
        guard let hash = Hashing.sha1(Array(configuration.cacheKey.utf8)) else {
            throw BuildError(
                .denied,
                "AWS profile \(profile.name): SSO's tokens lie in files that SHA-1 names, and OpenSSL is set up without it"
            )
        }
        return "\(search.environment.home)/.aws/sso/cache/\(Hex.encode(hash)).json"
    }

    private func accessToken(_ configuration: Configuration) async throws(BuildError) -> Secret {
        let path = try cachePath(configuration)
        guard let bytes = try? await search.context.files.read(path), let cache = try? JSON.parse(bytes).objectValue,
            let token = cache["accessToken"]?.stringValue
        else { throw expired("was not found in \(path)") }
        let end = cache["expiresAt"]?.stringValue.flatMap { Timestamp(rfc3339: $0) } ?? .epoch
        if end.seconds - Self.margin > search.client.now.seconds { return try checked(token) }
        if let fresh = await renewed(cache, configuration, path) { return try checked(fresh) }
        guard end > search.client.now else { throw expired("expired at \(end.rfc3339)") }
        return try checked(token)
    }

    private func checked(_ token: String) throws(BuildError) -> Secret {
        let secret = Secret(token)
        guard !secret.isEmpty, !secret.hasControlCharacters else { throw expired("is malformed") }
        return secret
    }

    /// - Returns: A new token, also written back; nil when the old one can't be renewed.
    private func renewed(_ cache: JSONObject, _ configuration: Configuration, _ path: String) async -> String? {
        guard let refresh = cache["refreshToken"]?.stringValue, let client = cache["clientId"]?.stringValue,
            let clientSecret = cache["clientSecret"]?.stringValue
        else { return nil }
        if let end = cache["registrationExpiresAt"]?.stringValue.flatMap({ Timestamp(rfc3339: $0) }),
            end <= search.client.now
        {
            return nil
        }
        let body = JSONObject([
            ("clientId", .string(client)), ("clientSecret", .string(clientSecret)),
            ("grantType", .string("refresh_token")), ("refreshToken", .string(refresh)),
        ])
        do {
            let host = try search.settings.ssoEndpoint("sso_oidc", host: "oidc", region: configuration.region)
            let request = CredentialRequest(
                "POST",
                host + "/token",
                headers: [CredentialHeader("Content-Type", "application/json")],
                body: JSON.object(body).encoded(),
                caBundlePath: search.settings.caBundlePath
            )
            let reply = try JSON.parse(try await search.client.send(request).body)
            guard let token = reply["accessToken"]?.stringValue else { return nil }
            let end = Timestamp(seconds: search.client.now.seconds + (reply["expiresIn"]?.secondsValue ?? 0))
            await save(token, refreshToken: reply["refreshToken"]?.stringValue ?? refresh, until: end, path)
            return token
        } catch let failure as AWSClient.Failure {
            search.context.debug("SSO token of AWS profile \(profile.name) was not renewed: \(failure.text)")
            return nil
        } catch {
            search.context.debug("SSO token of AWS profile \(profile.name) was not renewed: \(error)")
            return nil
        }
    }

    /// A token that can't be saved still serves this run.
    private func save(_ token: String, refreshToken: String, until end: Timestamp, _ path: String) async {
        do {
            try await search.context.files.update(path) { bytes in
                var cache = try JSON.parse(bytes ?? Array("{}".utf8)).objectValue ?? JSONObject()
                cache["accessToken"] = .string(token)
                cache["expiresAt"] = .string(end.rfc3339)
                cache["refreshToken"] = .string(refreshToken)
                return JSON.object(cache).encoded()
            }
        } catch {
            search.context.warn("the renewed SSO token could not be saved to \(path): \(error)")
        }
    }

    private func expired(_ what: String) -> BuildError {
        BuildError(
            .denied,
            "the SSO session of AWS profile \(profile.name) \(what)",
            hints: ["run `aws sso login --profile \(profile.name)`"]
        )
    }
}
