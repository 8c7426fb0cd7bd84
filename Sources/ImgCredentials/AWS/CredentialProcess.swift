import ImgOCI
import ImgReport

/// A command that prints keys (AWS-10).
struct CredentialProcess: Sendable {
    private static let shell = "/bin/sh"

    let search: AWSSearch
    let profile: String

    func credentials(_ command: String) async throws(BuildError) -> AWSCredentials {
        let invocation = CredentialCommand(
            executable: Self.shell,
            arguments: ["-c", command],
            environment: search.environment.variables,
            showsStandardError: true
        )
        let result: CredentialCommandResult
        do {
            result = try await search.context.processes.run(invocation)
        } catch {
            throw failure("\(error)")
        }
        guard result.succeeded else {
            throw failure("exit status \(result.status)", notes: ForeignText.lines(result.errorText))
        }
        guard let reply = try? JSON.parse(result.output).objectValue else { throw failure("its output is not JSON") }
        guard reply["Version"]?.integerValue == 1 else {
            throw failure("its output has another version than 1")
        }
        let source = "profile \(profile), credential_process"
        guard let credentials = AWSCredentials(json: reply, tokenMember: "SessionToken", source: source) else {
            throw failure("its output lacks AccessKeyId or SecretAccessKey")
        }
        if let expiration = credentials.expiration, expiration <= search.client.now {
            throw failure("its credentials expired at \(expiration.rfc3339)")
        }
        return credentials
    }

    private func failure(_ reason: String, notes: [String] = []) -> BuildError {
        BuildError(.denied, "credential_process of AWS profile \(profile) failed: \(reason)", notes: notes)
    }
}
