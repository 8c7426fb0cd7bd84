/// A program to run for its standard output.
package struct CredentialCommand: Hashable, Sendable {
    /// Absolute path.
    package var executable: String
    package var arguments: [String]
    package var environment: [String: String]
    /// All of standard input, at most 60 KiB; the program sees its end at once.
    package var input: Secret
    package var timeLimit: Duration
    /// Whether standard error goes straight to the user's, because the program may ask there.
    package var showsStandardError: Bool

    package init(
        executable: String,
        arguments: [String],
        environment: [String: String],
        input: Secret = Secret(""),
        timeLimit: Duration = .seconds(60),
        showsStandardError: Bool = false
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.input = input
        self.timeLimit = timeLimit
        self.showsStandardError = showsStandardError
    }
}

/// How a program ended and what it said.
package struct CredentialCommandResult: Sendable {
    /// The exit status; 128 + n after signal n.
    package var status: Int32
    /// May hold a secret: never logged.
    package var output: [UInt8]
    /// The first 16 KiB of standard error.
    package var errorText: String

    package init(status: Int32, output: [UInt8], errorText: String = "") {
        self.status = status
        self.output = output
        self.errorText = errorText
    }

    package var succeeded: Bool { status == 0 }
}

/// A program that gave no result.
package enum CredentialProcessError: Error, Hashable, Sendable {
    case notStarted(String)
    case timedOut(Duration)
    /// More than 1 MiB on standard output.
    case outputTooLarge
    case cancelled
}

extension CredentialProcessError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notStarted(let reason): "could not be started: \(reason)"
        case .timedOut(let limit): "did not finish within \(limit.components.seconds) s"
        case .outputTooLarge: "wrote more than 1 MiB"
        case .cancelled: "was cancelled"
        }
    }
}

/// Finds and runs programs.
package protocol CredentialProcesses: Sendable {
    /// The first executable file of that name, as an absolute path.
    func locate(_ program: String, in directories: [String]) async -> String?

    func run(_ command: CredentialCommand) async throws(CredentialProcessError) -> CredentialCommandResult
}
