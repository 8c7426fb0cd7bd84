import ImgOCI
import ImgReport

/// Amazon's token service: exchanges an identity for the keys of a role (AWS-4, AWS-7).
struct STS: Sendable {
    /// A role to take on.
    struct Role: Sendable {
        var arn: String
        var sessionName: String
        var externalID: String?
        var durationSeconds: Int?
        var mfaSerial: String?
        var mfaCode: String?
    }

    private static let version = "2011-06-15"
    private static let webIdentityAttempts = 3
    /// Seen while the keys of an identity provider spread.
    private static let transientCodes: Set<String> = ["IDPCommunicationError", "InvalidIdentityToken"]

    let search: AWSSearch

    /// Takes on a role with keys of another identity.
    func assume(_ role: Role, with base: AWSCredentials) async throws(BuildError) -> AWSCredentials {
        var form = [
            ("Action", "AssumeRole"), ("Version", Self.version), ("RoleArn", role.arn),
            ("RoleSessionName", role.sessionName),
        ]
        if let id = role.externalID { form.append(("ExternalId", id)) }
        if let seconds = role.durationSeconds { form.append(("DurationSeconds", String(seconds))) }
        if let serial = role.mfaSerial, let code = role.mfaCode {
            form += [("SerialNumber", serial), ("TokenCode", code)]
        }
        let endpoint = try search.settings.stsEndpoint(fallbackRegion: search.fallbackRegion)
        let signer = SigV4Signer(credentials: base, region: endpoint.region, service: "sts")
        let reply: CredentialReply
        do throws(AWSClient.Failure) {
            reply = try await search.client.send(request(endpoint.url, form), signer: signer)
        } catch {
            throw refusal(error, role: role.arn, identity: "AWS access key \(base.maskedKeyID) from \(base.source)")
        }
        return try credentials(reply, role: role.arn, via: base.source)
    }

    /// Takes on a role with the token of an identity provider; the file is read at every call, for it is replaced.
    func assumeWithWebIdentity(
        _ role: String,
        sessionName: String,
        tokenFile: String
    ) async throws(BuildError) -> AWSCredentials {
        let token = try await readToken(tokenFile)
        let form = [
            ("Action", "AssumeRoleWithWebIdentity"), ("Version", Self.version), ("RoleArn", role),
            ("RoleSessionName", sessionName), ("WebIdentityToken", token.exposed),
        ]
        let endpoint = try search.settings.stsEndpoint(fallbackRegion: search.fallbackRegion)
        var attempt = 1
        while true {
            let reply: CredentialReply
            do throws(AWSClient.Failure) {
                reply = try await search.client.send(request(endpoint.url, form))
            } catch {
                guard case .api(let answer) = error, Self.transientCodes.contains(answer.code),
                    attempt < Self.webIdentityAttempts
                else { throw refusal(error, role: role, identity: "the token in \(tokenFile)") }
                try? await search.environment.sleep(.milliseconds(500 * attempt))
                attempt += 1
                continue
            }
            return try credentials(reply, role: role, via: "web identity token \(tokenFile)")
        }
    }

    private func readToken(_ path: String) async throws(BuildError) -> Secret {
        do {
            guard let bytes = try await search.context.files.read(path) else {
                throw BuildError(.denied, "the web identity token file \(path) does not exist")
            }
            let token = Secret(String(decoding: bytes.trimmingSpace(), as: UTF8.self))
            guard !token.isEmpty else { throw BuildError(.denied, "the web identity token file \(path) is empty") }
            return token
        } catch let error as BuildError {
            throw error
        } catch {
            throw BuildError(.denied, "cannot read the web identity token: \(error)")
        }
    }

    private func request(_ endpoint: String, _ form: [(String, String)]) -> CredentialRequest {
        let body = AWSURL.form(form)
        return CredentialRequest(
            "POST",
            endpoint + "/",
            headers: [
                CredentialHeader("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
                CredentialHeader("Content-Length", String(body.count)),
            ],
            body: body,
            caBundlePath: search.settings.caBundlePath
        )
    }

    private func credentials(
        _ reply: CredentialReply,
        role: String,
        via: String
    ) throws(BuildError) -> AWSCredentials {
        guard let document = XMLText(parsing: reply.body), let id = document.text("Credentials", "AccessKeyId"),
            let key = document.text("Credentials", "SecretAccessKey"),
            let token = document.text("Credentials", "SessionToken")
        else { throw BuildError(.denied, "AWS STS sent no credentials for role \(role)") }
        let credentials = AWSCredentials(
            accessKeyID: id,
            secretAccessKey: Secret(key),
            sessionToken: Secret(token),
            expiration: document.text("Credentials", "Expiration").flatMap { Timestamp(rfc3339: $0) },
            source: "role \(role) by \(via)"
        )
        guard credentials.isWellFormed else {
            throw BuildError(.denied, "AWS STS sent malformed keys for role \(role)")
        }
        return credentials
    }

    private func refusal(_ failure: AWSClient.Failure, role: String, identity: String) -> BuildError {
        BuildError(
            failure.code,
            "AWS STS did not give credentials for role \(role): \(failure.text)",
            notes: ["identity: \(identity)"],
            hints: failure.code == .denied ? ["check the role's trust policy and the identity above"] : []
        )
    }
}
