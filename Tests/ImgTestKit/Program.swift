import Glibc
import Subprocess

#if canImport(System)
import System
#else
import SystemPackage
#endif

/// What a finished program left.
package struct ProgramResult: Sendable, CustomStringConvertible {
    package var status: Int32
    package var output: String
    package var errors: String

    /// Everything, for the message of a failed test.
    package var description: String { "status \(status)\n--- stdout\n\(output)\n--- stderr\n\(errors)" }
}

/// Runs programs for tests.
///
/// A program that is missing is an error, never a skipped test.
package enum Program {
    /// Runs a program to its end.
    package static func run(
        _ name: String,
        _ arguments: [String],
        in directory: String = "/",
        environment: [String: String] = [:],
        input: String = ""
    ) async throws -> ProgramResult {
        let result = try await Subprocess.run(
            name.contains("/") ? .path(FilePath(name)) : .name(name),
            arguments: Arguments(arguments),
            environment: self.environment(environment),
            workingDirectory: FilePath(directory),
            input: .string(input),
            output: .string(limit: 64 << 20),
            error: .string(limit: 64 << 20)
        )
        let status: Int32 =
            switch result.terminationStatus {
            case .exited(let status): status
            case .signaled(let signal): 128 + signal
            }
        return ProgramResult(status: status, output: result.standardOutput, errors: result.standardError)
    }

    /// The test's own environment with some variables set.
    static func environment(_ changes: [String: String]) -> Environment {
        let updates = changes.map { (Environment.Key(stringLiteral: $0.key), Optional($0.value)) }
        return .inherit.updating(Dictionary(uniqueKeysWithValues: updates))
    }

    /// Runs a program that must succeed and returns its output.
    @discardableResult
    package static func output(
        _ name: String,
        _ arguments: [String],
        in directory: String = "/",
        environment: [String: String] = [:],
        input: String = ""
    ) async throws -> String {
        let result = try await run(name, arguments, in: directory, environment: environment, input: input)
        guard result.status == 0 else { throw ProgramFailure(command: [name] + arguments, result: result) }
        return result.output
    }
}

/// A program that had to succeed and didn't.
package struct ProgramFailure: Error, CustomStringConvertible {
    package var command: [String]
    package var result: ProgramResult

    package init(command: [String], result: ProgramResult) {
        self.command = command
        self.result = result
    }

    package var description: String { "\(command.joined(separator: " ")): \(result)" }
}
