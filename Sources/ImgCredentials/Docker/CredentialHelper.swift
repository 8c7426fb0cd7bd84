import ImgOCI
import ImgReport

/// A `docker-credential-*` program (HLP-1…9).
struct CredentialHelper: Sendable {
    /// Why a helper gave no answer.
    enum Failure: Error, Hashable {
        /// The suffix can't be a program's name.
        case invalidName
        /// No such program on PATH.
        case missing
        /// What it said or did.
        case failed(String, errorText: String)
    }

    private static let notFoundText = "credentials not found in native keychain"
    /// The user name that marks the secret as an identity token (HLP-4).
    private static let tokenUser = "<token>"

    let suffix: String
    let context: CredentialContext
    let timeLimit: Duration

    var programName: String { "docker-credential-\(suffix)" }

    /// - Returns: nil when the helper knows nothing about the key.
    func get(_ serverKey: String) async throws(Failure) -> Credential? {
        let result = try await run("get", input: serverKey)
        guard result.succeeded else {
            let text = ForeignText.line(String(decoding: result.output, as: UTF8.self))
            if text == Self.notFoundText { return nil }
            throw failure(result)
        }
        guard let reply = try? JSON.parse(result.output).objectValue,
            let user = reply["Username"]?.stringValue, let secret = reply["Secret"]?.stringValue
        else { throw .failed("its reply is not the JSON object of a credential helper", errorText: result.errorText) }
        if user.isEmpty && secret.isEmpty { return nil }
        if user == Self.tokenUser { return .identityToken(user: nil, Secret(secret)) }
        return .basic(user: user, password: Secret(secret))
    }

    func store(_ credential: Credential, for serverKey: String) async throws(Failure) {
        let pair: (user: String, secret: Secret)
        switch credential {
        case .basic(let user, let password): pair = (user, password)
        case .identityToken(_, let token): pair = (Self.tokenUser, token)
        case .anonymous, .registryToken:
            throw .failed("only passwords and identity tokens can be stored", errorText: "")
        }
        let message = JSONObject([
            ("ServerURL", .string(serverKey)), ("Username", .string(pair.user)),
            ("Secret", .string(pair.secret.exposed)),
        ])
        var result = try await run("store", input: JSON.object(message).text())
        guard result.succeeded else {
            // Some helpers repeat what they were given.
            result.output = Array(Self.masking(pair.secret, in: String(decoding: result.output, as: UTF8.self)).utf8)
            result.errorText = Self.masking(pair.secret, in: result.errorText)
            throw failure(result)
        }
    }

    func erase(_ serverKey: String) async throws(Failure) {
        let result = try await run("erase", input: serverKey)
        guard result.succeeded else { throw failure(result) }
    }

    /// Server keys and their user names.
    func list() async throws(Failure) -> [String: String] {
        let result = try await run("list", input: "")
        guard result.succeeded else { throw failure(result) }
        guard let reply = try? JSON.parse(result.output).objectValue else {
            throw .failed("its reply is not a JSON object", errorText: result.errorText)
        }
        return Dictionary(reply.members.compactMap { member in member.value.stringValue.map { (member.key, $0) } }) {
            first,
            _ in first
        }
    }

    /// Whether the program is there.
    func isInstalled() async -> Bool { await context.locate(programName) != nil }

    private func run(_ action: String, input: String) async throws(Failure) -> CredentialCommandResult {
        guard !suffix.isEmpty, suffix.utf8.allSatisfy(Self.isNameByte) else { throw .invalidName }
        guard let executable = await context.locate(programName) else { throw .missing }
        let command = CredentialCommand(
            executable: executable,
            arguments: [action],
            environment: context.environment.variables,
            input: Secret(input),
            timeLimit: timeLimit
        )
        do {
            return try await context.processes.run(command)
        } catch {
            throw .failed("it \(error)", errorText: "")
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    private static func masking(_ secret: Secret, in text: String) -> String {
        let quoted = JSON.string(secret.exposed).text().dropFirst().dropLast()
        return text.replacing(quoted, with: secret.description).replacing(secret.exposed, with: secret.description)
    }

    /// Helpers explain a failure on standard output (HLP-3).
    private func failure(_ result: CredentialCommandResult) -> Failure {
        let text = ForeignText.line(String(decoding: result.output, as: UTF8.self))
        return .failed(text.isEmpty ? "exit status \(result.status)" : text, errorText: result.errorText)
    }
}

extension CredentialHelper {
    /// The failure in words, for an error or a warning.
    /// - Parameters:
    ///   - host: The registry that was asked for.
    ///   - origin: The file that names the helper.
    func describe(_ failure: Failure, host: String, origin: String) -> Diagnostic {
        switch failure {
        case .invalidName:
            Diagnostic(
                .error,
                "the credential helper name \(ForeignText.line(suffix).debugDescription) in \(origin) is not valid",
                hints: ["names consist of letters, digits, `.`, `_` and `-`"]
            )
        case .missing:
            Diagnostic(
                .error,
                "\(programName) not found in PATH (configured for \(host) in \(origin))",
                hints: ["install \(programName), or remove the entry from \(origin)"]
            )
        case .failed(let text, let errorText):
            Diagnostic(
                .error,
                "\(programName) failed for \(host): \(text)",
                notes: ForeignText.lines(errorText).map { "\(programName): \($0)" }
            )
        }
    }
}
