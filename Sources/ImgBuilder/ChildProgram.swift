import Subprocess

#if canImport(System)
import System
#else
import SystemPackage
#endif

/// A program of the machine that does a part of the work.
struct ChildProgram: Sendable {
    /// Found in `PATH`.
    let name: String
    let variables: [String: String]

    /// What a run gave.
    struct Result: Sendable {
        var isSuccess: Bool
        var output: String
        var errors: String

        /// The last things it said, for notes.
        var lastWords: [String] { Array(errors.split(separator: "\n").map(String.init).suffix(5)) }
    }

    /// Runs it to its end.
    ///
    /// - Throws: `SubprocessError` when it cannot be started.
    func run(_ arguments: [String], in directory: String) async throws -> Result {
        let result = try await Subprocess.run(
            .name(name),
            arguments: Arguments(arguments),
            environment: .custom(
                Dictionary(uniqueKeysWithValues: variables.map { (Environment.Key(stringLiteral: $0.key), $0.value) })
            ),
            workingDirectory: FilePath(directory),
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        )
        return Result(
            isSuccess: result.terminationStatus.isSuccess,
            output: result.standardOutput,
            errors: result.standardError
        )
    }
}
