import ArgumentParser
import Glibc
import ImgBuilder
import ImgReport

/// The program: arguments, environment and terminal are read here, once.
public enum CommandLineTool {
    /// Runs the command in the process's arguments and exits with its status (OUT-3).
    public static func main() async -> Never {
        Allocator.keepSmall()
        var status = await run(Array(CommandLine.arguments.dropFirst()))
        if status == 0, let reason = Console.standardOutput.failure {
            Console.standardError.print(["error: cannot write to standard output: \(reason)"])
            status = BuildError.Code.failure.rawValue
        }
        // Not `exit`: at exit OpenSSL and others free what threads that are about to end still use.
        fflush(nil)
        _exit(status)
    }

    /// Runs one command line.
    /// - Returns: The exit status.
    static func run(_ arguments: [String]) async -> Int32 {
        // Scripts ask this often, and the parser takes 3 ms to learn its flags.
        if arguments == ["--version"] {
            Console.standardOutput.print([RootCommand.configuration.version])
            return 0
        }
        if let error = unknownCommand(arguments) {
            Console.standardError.print(ErrorText(error).lines)
            return error.code.rawValue
        }
        let command: any ParsableCommand
        do {
            command = try RootCommand.parseAsRoot(arguments)
        } catch {
            return report(parseError: error)
        }
        do {
            if let command = command as? any ToolCommand { return try await perform(command) }
            var other = command
            try other.run()
            return 0
        } catch {
            return report(parseError: error)
        }
    }

    /// - Throws: What is wrong with the arguments.
    private static func perform(_ command: any ToolCommand) async throws -> Int32 {
        let interrupts = Interrupts()
        let failure: BuildError
        do {
            defer { Console.standardError.show(nil) }
            return try await interrupts.cancelling { try await command.perform() }
        } catch {
            if let signal = interrupts.signal {
                // Whatever failed did so because it was cancelled.
                failure = Interrupts.error(signal)
            } else if let known = Self.failure(error) {
                failure = known
            } else {
                throw error
            }
        }
        command.report(failure)
        return failure.code.rawValue
    }

    /// Why a command could not do its work; nil when its arguments are wrong.
    static func failure(_ error: any Error) -> BuildError? {
        if error is ValidationError { return nil }
        return error as? BuildError ?? BuildError("\(error)")
    }

    /// A first word that is neither a command nor there as a context is most often a misspelt command.
    private static func unknownCommand(_ arguments: [String]) -> BuildError? {
        let commands = RootCommand.configuration.subcommands.compactMap { $0.configuration.commandName }
        guard let word = arguments.first, !word.isEmpty, !commands.contains(word), word != "help",
            word.utf8.allSatisfy({ (0x61...0x7a).contains($0) }), unsafe access(word, F_OK) != 0
        else { return nil }
        return BuildError(
            .usage,
            "\"\(word)\" is neither a command nor a directory\(Suggestion.suffix(word, among: commands))",
            hints: ["commands are \(commands.joined(separator: ", ")); imgbuild --help tells more"]
        )
    }

    /// Help and version go to standard output with status 0, mistakes to standard error with status 2.
    private static func report(parseError error: any Error) -> Int32 {
        let lines = RootCommand.fullMessage(for: error).split(separator: "\n", omittingEmptySubsequences: false)
            .map(String.init)
        guard RootCommand.exitCode(for: error) == .success else {
            Console.standardError.print(lines)
            return BuildError.Code.usage.rawValue
        }
        Console.standardOutput.print(lines)
        return 0
    }
}

/// A command that does something: returns its exit status or throws.
protocol ToolCommand: ParsableCommand, Sendable {
    func perform() async throws -> Int32

    /// Prints why it failed.
    func report(_ error: BuildError)
}

extension ToolCommand {
    func report(_ error: BuildError) { Console.standardError.print(ErrorText(error).lines) }
}
