import ImgOCI
import ImgReport

/// The role of an EC2 instance from its metadata service (AWS-14…17).
struct InstanceMetadata: Sendable {
    private static let rolePath = "/latest/meta-data/iam/security-credentials/"
    private static let attempts = 2
    /// Seconds that an expired role is used for while the service can't renew it.
    private static let grace: Int64 = 600

    /// An answer, or why there is none.
    private enum Reply {
        case body(String)
        case status(Int)
        case unreachable(CredentialTransportError)
    }

    let search: AWSSearch

    func credentials() async throws(BuildError) -> AWSSourceAnswer {
        if search.environment.isTrue("AWS_EC2_METADATA_DISABLED") {
            return .notConfigured("AWS_EC2_METADATA_DISABLED is true")
        }
        let base = try endpoint()
        let token: String?
        switch await send("PUT", base + "/latest/api/token", [("X-aws-ec2-metadata-token-ttl-seconds", "300")]) {
        case .body(let text): token = text.trimmed()
        case .status(400): throw BuildError(.denied, "the EC2 metadata service refused the request for a token (400)")
        case .status(let status) where [403, 404, 405].contains(status):
            guard !search.environment.isTrue("AWS_EC2_METADATA_V1_DISABLED") else {
                return .notConfigured(
                    "the metadata service offers version 1 only, which AWS_EC2_METADATA_V1_DISABLED forbids"
                )
            }
            token = nil
        case .status(let status): return .notConfigured("the metadata service answered \(status)")
        case .unreachable(let error): return .notConfigured(await explain(error))
        }
        return try await role(base, token)
    }

    private func endpoint() throws(BuildError) -> String {
        if let text = search.environment.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT") {
            guard AWSURL(text) != nil else {
                throw BuildError(.usage, "AWS_EC2_METADATA_SERVICE_ENDPOINT is not an http or https URL")
            }
            return text.hasSuffix("/") ? String(text.dropLast()) : text
        }
        let isIPv6 = search.environment.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE")?.lowercased() == "ipv6"
        return isIPv6 ? "http://[fd00:ec2::254]" : "http://169.254.169.254"
    }

    private func role(_ base: String, _ token: String?) async throws(BuildError) -> AWSSourceAnswer {
        if let token, Secret(token).hasControlCharacters {
            throw BuildError(.denied, "the EC2 metadata service sent a malformed token")
        }
        let headers = token.map { [("X-aws-ec2-metadata-token", $0)] } ?? []
        let list = await send("GET", base + Self.rolePath, headers)
        guard case .body(let names) = list else { return .notConfigured(reason(list)) }
        guard let name = names.split(whereSeparator: \.isNewline).first?.trimmed(), !name.isEmpty else {
            return .notConfigured("the instance has no role")
        }
        let answer = await send("GET", base + Self.rolePath + AWSURL.encode(name), headers)
        guard case .body(let text) = answer, let object = try? JSON.parse(Array(text.utf8)).objectValue else {
            throw BuildError(
                .denied,
                "the EC2 metadata service gave no credentials for role \(name): \(reason(answer))"
            )
        }
        if let code = object["Code"]?.stringValue, code != "Success" {
            throw BuildError(.denied, "the EC2 metadata service answered \(ForeignText.line(code)) for role \(name)")
        }
        guard var credentials = AWSCredentials(json: object, tokenMember: "Token", source: "EC2 instance role \(name)")
        else { throw BuildError(.denied, "the EC2 metadata service sent no keys for role \(name)") }
        if let end = credentials.expiration, end <= search.client.now {
            search.context.warn("the credentials of EC2 instance role \(name) expired at \(end.rfc3339); using them on")
            credentials.expiration = Timestamp(seconds: search.client.now.seconds + Self.grace)
        }
        return .found(credentials)
    }

    private func send(_ method: String, _ url: String, _ headers: [(String, String)]) async -> Reply {
        let request = CredentialRequest(
            method,
            url,
            headers: headers.map { CredentialHeader($0.0, $0.1) },
            connectTimeout: .seconds(1),
            totalTimeout: .seconds(1),
            bypassesProxy: true
        )
        var last = Reply.status(0)
        for _ in 0..<Self.attempts {
            do {
                let reply = try await search.context.transport.send(request)
                if reply.status == 200 { return .body(String(decoding: reply.body, as: UTF8.self)) }
                last = .status(reply.status)
                if reply.status < 500 { return last }
            } catch {
                last = .unreachable(error)
                // Nothing listens: the next try would meet the same.
                if error.code != .timeout { return last }
            }
        }
        return last
    }

    private func reason(_ reply: Reply) -> String {
        switch reply {
        case .body: "its reply is not JSON"
        case .status(404): "the instance has no role"
        case .status(let status): "the metadata service answered \(status)"
        case .unreachable(let error): ForeignText.line(error.message)
        }
    }

    /// A silent service inside a container usually means that replies die one hop short (AWS-15).
    private func explain(_ error: CredentialTransportError) async -> String {
        guard error.code == .timeout, await isInContainer() else {
            return "no metadata service: \(ForeignText.line(error.message))"
        }
        return "the metadata service did not answer from inside the container; "
            + "on EC2 set HttpPutResponseHopLimit to 2 or pass a role by other means"
    }

    private func isInContainer() async -> Bool {
        if search.environment.variable("KUBERNETES_SERVICE_HOST") != nil { return true }
        for path in ["/.dockerenv", "/run/.containerenv"]
        where (try? await search.context.files.read(path)) ?? nil != nil {
            return true
        }
        return false
    }
}
