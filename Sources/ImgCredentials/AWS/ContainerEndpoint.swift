import ImgOCI
import ImgReport

/// The credentials endpoint of ECS, Fargate, CodeBuild, EKS Pod Identity and Greengrass (AWS-12, AWS-13).
struct ContainerEndpoint: Sendable {
    private static let relativeBase = "http://169.254.170.2"
    /// Where plain http is safe: addresses that never leave the machine.
    private static let plainHosts: Set<String> = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"]
    private static let attempts = 3

    let search: AWSSearch

    func credentials() async throws(BuildError) -> AWSSourceAnswer {
        guard let url = try endpoint() else {
            return .notConfigured("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI are not set")
        }
        var headers: [CredentialHeader] = []
        if let token = try await authorization() {
            guard !token.hasControlCharacters else {
                throw BuildError(.denied, "the container authorization token holds a line break or control character")
            }
            headers.append(CredentialHeader("Authorization", token.exposed))
        }
        let request = CredentialRequest(
            "GET",
            url,
            headers: headers,
            connectTimeout: .seconds(1),
            totalTimeout: .seconds(5),
            bypassesProxy: url.hasPrefix("http://")
        )
        return .found(try await fetch(request))
    }

    /// - Returns: nil when neither variable is set.
    /// - Throws: For plain http to a host that isn't this machine's: a variable must not send the token elsewhere.
    private func endpoint() throws(BuildError) -> String? {
        if let path = search.environment.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
            guard path.hasPrefix("/"), let url = AWSURL(Self.relativeBase + path), url.host == "169.254.170.2" else {
                throw BuildError(.denied, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not a path")
            }
            return Self.relativeBase + path
        }
        guard let text = search.environment.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI") else { return nil }
        guard let url = AWSURL(text) else {
            throw BuildError(.denied, "AWS_CONTAINER_CREDENTIALS_FULL_URI is not an http or https URL")
        }
        guard url.scheme == "https" || url.isLoopback || Self.plainHosts.contains(url.host) else {
            throw BuildError(
                .denied,
                "AWS_CONTAINER_CREDENTIALS_FULL_URI names \(url.host), which may not be asked by plain http",
                hints: ["use https, a loopback address, 169.254.170.2 or 169.254.170.23"]
            )
        }
        return text
    }

    /// The file wins and is read every time, for it is replaced.
    private func authorization() async throws(BuildError) -> Secret? {
        guard let path = search.environment.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") else {
            return search.environment.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(Secret.init)
        }
        do {
            guard let bytes = try await search.context.files.read(path) else {
                throw BuildError(.denied, "the container authorization token file \(path) does not exist")
            }
            // Writers of the file like to end it with a line.
            return Secret(String(decoding: bytes.trimmingSpace(), as: UTF8.self))
        } catch let error as BuildError {
            throw error
        } catch {
            throw BuildError(.denied, "cannot read the container authorization token: \(error)")
        }
    }

    private func fetch(_ request: CredentialRequest) async throws(BuildError) -> AWSCredentials {
        var reason = ""
        for attempt in 1...Self.attempts {
            if attempt > 1 { try? await search.environment.sleep(.milliseconds(200 * attempt)) }
            do {
                let reply = try await search.context.transport.send(request)
                guard reply.status == 200 else {
                    reason = AWSAPIError(reply).text
                    if reply.status >= 500 || reply.status == 429 { continue }
                    break
                }
                if let object = try? JSON.parse(reply.body).objectValue,
                    let credentials = AWSCredentials(json: object, tokenMember: "Token", source: "container role")
                {
                    return credentials
                }
                reason = "its reply holds no keys"
            } catch {
                reason = ForeignText.line(error.message)
                if error.code == .cancelled { break }
            }
        }
        throw BuildError(.denied, "the container credentials endpoint gave no credentials: \(reason)")
    }
}
