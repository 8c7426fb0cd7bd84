import ImgOCI
import ImgReport

/// What one place says about AWS credentials.
enum AWSSourceAnswer: Sendable {
    case found(AWSCredentials)
    /// Why the place was passed over, in a few words (AWS-20).
    case notConfigured(String)
}

/// What the sources of AWS credentials share.
struct AWSSearch: Sendable {
    let client: AWSClient
    let settings: AWSSettings
    /// The region of the registry, for want of a configured one.
    let fallbackRegion: String
    /// Asks the person at the terminal for the code of an MFA device; nil where nobody can be asked.
    let mfaCode: (@Sendable (_ serial: String) async throws -> String)?

    var context: CredentialContext { client.context }
    var environment: CredentialEnvironment { client.context.environment }

    /// A name that is unlikely to be in use (AWS-3).
    var defaultSessionName: String {
        let now = environment.now()
        return "imgbuild-\(now.seconds)\(String(Int(now.nanoseconds) + 1_000_000_000).dropFirst())"
    }
}

/// Keys in variables (AWS-2).
struct EnvironmentSource: Sendable {
    let environment: CredentialEnvironment

    func credentials() throws(BuildError) -> AWSSourceAnswer {
        let id = environment.variable("AWS_ACCESS_KEY_ID") ?? environment.variable("AWS_ACCESS_KEY")
        let key = environment.variable("AWS_SECRET_ACCESS_KEY") ?? environment.variable("AWS_SECRET_KEY")
        guard let id, let key else {
            if id == nil && key == nil { return .notConfigured("AWS_ACCESS_KEY_ID is not set") }
            throw BuildError(
                .denied,
                id == nil
                    ? "AWS_SECRET_ACCESS_KEY is set without AWS_ACCESS_KEY_ID"
                    : "AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY",
                hints: ["set both or neither"]
            )
        }
        let credentials = AWSCredentials(
            accessKeyID: id,
            secretAccessKey: Secret(key),
            sessionToken: environment.variable("AWS_SESSION_TOKEN").map(Secret.init),
            source: "environment variables"
        )
        guard credentials.isWellFormed else {
            throw BuildError(.denied, "the AWS keys in the environment hold control characters")
        }
        return .found(credentials)
    }
}
