import ImgReport

/// A role for the token that EKS, GitHub or GitLab put into a file (AWS-3).
struct WebIdentitySource: Sendable {
    let search: AWSSearch

    func credentials() async throws(BuildError) -> AWSSourceAnswer {
        let environment = search.environment
        guard let file = environment.variable("AWS_WEB_IDENTITY_TOKEN_FILE") else {
            return .notConfigured("AWS_WEB_IDENTITY_TOKEN_FILE is not set")
        }
        guard let role = environment.variable("AWS_ROLE_ARN") else {
            throw BuildError(.denied, "AWS_WEB_IDENTITY_TOKEN_FILE is set without AWS_ROLE_ARN")
        }
        let sessionName = environment.variable("AWS_ROLE_SESSION_NAME") ?? search.defaultSessionName
        return .found(
            try await STS(search: search).assumeWithWebIdentity(role, sessionName: sessionName, tokenFile: file)
        )
    }
}
