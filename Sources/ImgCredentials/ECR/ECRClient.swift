import ImgOCI
import ImgReport

/// The parts of Amazon ECR's API that imgbuild calls (ECR-10…12, ECR-23).
struct ECRClient: Sendable {
    /// A password for a registry.
    struct Token: Sendable {
        var password: Secret
        var expiration: Timestamp
    }

    let client: AWSClient
    let settings: AWSSettings
    let registry: ECRRegistry
    let credentials: AWSCredentials

    /// Asks for a password.
    func authorizationToken() async throws(BuildError) -> Token {
        let reply = try await call("GetAuthorizationToken", body: JSONObject())
        let data = reply["authorizationData"]
        // An array for private registries, an object for the public one.
        guard let entry = (data?.arrayValue?.first ?? data)?.objectValue,
            let bytes = entry["authorizationToken"]?.stringValue.flatMap(Base64.decode),
            let colon = bytes.firstIndex(of: UInt8(ascii: ":")),
            let password = String(validating: bytes[(colon + 1)...], as: UTF8.self), !password.isEmpty,
            let expiration = entry["expiresAt"]?.secondsValue
        else { throw malformed("GetAuthorizationToken") }
        return Token(password: Secret(password), expiration: Timestamp(seconds: expiration))
    }

    /// Makes a repository.
    /// - Returns: False when it was there already.
    func createRepository(_ name: String, _ options: ECRRepositoryOptions) async throws(BuildError) -> Bool {
        do {
            _ = try await answer("CreateRepository", body: registry.isPublic ? publicBody(name) : body(name, options))
            return true
        } catch {
            if case .api(let refusal) = error, refusal.code == "RepositoryAlreadyExistsException" { return false }
            throw failure(error, action: "CreateRepository", repository: name)
        }
    }

    private func publicBody(_ name: String) -> JSONObject {
        JSONObject([("repositoryName", .string(name))])
    }

    private func body(_ name: String, _ options: ECRRepositoryOptions) -> JSONObject {
        var body = JSONObject([
            ("repositoryName", .string(name)),
            ("imageTagMutability", .string(options.isImmutable ? "IMMUTABLE" : "MUTABLE")),
            ("imageScanningConfiguration", .object(JSONObject([("scanOnPush", .bool(options.scansOnPush))]))),
        ])
        if let account = registry.account { body["registryId"] = .string(account) }
        if let key = options.kmsKey {
            body["encryptionConfiguration"] = .object(
                JSONObject([("encryptionType", .string("KMS")), ("kmsKey", .string(key))])
            )
        }
        if !options.tags.isEmpty {
            body["tags"] = .array(
                options.tags.sorted { $0.key < $1.key }
                    .map { .object(JSONObject([("Key", .string($0.key)), ("Value", .string($0.value))])) }
            )
        }
        return body
    }

    // MARK: Requests

    private func call(_ action: String, body: JSONObject) async throws(BuildError) -> JSON {
        let reply: CredentialReply
        do {
            reply = try await answer(action, body: body)
        } catch {
            throw failure(error, action: action, repository: nil)
        }
        guard let value = try? JSON.parse(reply.body) else { throw malformed(action) }
        return value
    }

    private func answer(_ action: String, body: JSONObject) async throws(AWSClient.Failure) -> CredentialReply {
        let endpoints: [String]
        do {
            let override = try settings.endpointOverride(registry.isPublic ? "ecr_public" : "ecr")
            endpoints =
                override.map { [$0] }
                ?? registry.endpoints(fips: settings.usesFIPS, dualStack: settings.usesDualStack)
        } catch {
            throw .transport(CredentialTransportError(.network, error.description))
        }
        var unresolved: AWSClient.Failure?
        for endpoint in endpoints {
            do {
                return try await client.send(request(action, endpoint, body), signer: signer)
            } catch {
                guard case .transport(let transport) = error, transport.code == .unresolved else { throw error }
                unresolved = unresolved ?? error
            }
        }
        throw unresolved ?? .transport(CredentialTransportError(.unresolved, "no endpoint for \(registry.host)"))
    }

    private var signer: SigV4Signer {
        SigV4Signer(credentials: credentials, region: registry.region, service: registry.service)
    }

    private func request(_ action: String, _ endpoint: String, _ body: JSONObject) -> CredentialRequest {
        let bytes = JSON.object(body).encoded()
        let target = registry.isPublic ? "SpencerFrontendService" : "AmazonEC2ContainerRegistry_V20150921"
        return CredentialRequest(
            "POST",
            endpoint + "/",
            headers: [
                CredentialHeader("Content-Type", "application/x-amz-json-1.1"),
                CredentialHeader("Content-Length", String(bytes.count)),
                CredentialHeader("X-Amz-Target", "\(target).\(action)"),
            ],
            body: bytes,
            caBundlePath: settings.caBundlePath
        )
    }
}

/// How a new repository in Amazon ECR is set up (ECR-23).
package struct ECRRepositoryOptions: Hashable, Sendable {
    package var isImmutable: Bool
    package var kmsKey: String?
    package var tags: [String: String]
    package var scansOnPush: Bool

    package init(
        isImmutable: Bool = false,
        kmsKey: String? = nil,
        tags: [String: String] = [:],
        scansOnPush: Bool = false
    ) {
        self.isImmutable = isImmutable
        self.kmsKey = kmsKey
        self.tags = tags
        self.scansOnPush = scansOnPush
    }
}
