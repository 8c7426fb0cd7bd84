import ArgumentParser
import Glibc
import ImgBuilder
import ImgReport

/// The program: arguments, environment and terminal are read here, once.
public enum CommandLineTool {
    /// Runs the command in the process's arguments and exits with its status (OUT-3).
    public static func main() async -> Never {
        Allocator.keepSmall()
        let status = await run(Array(CommandLine.arguments.dropFirst()))
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
        let command: any ParsableCommand
        do {
            command = try RootCommand.parseAsRoot(arguments)
        } catch {
            return report(parseError: error)
        }
        let interrupts = Interrupts()
        do {
            defer { Console.standardError.show(nil) }
            if let command = command as? any ToolCommand {
                return try await interrupts.cancelling { try await command.perform() }
            }
            var other = command
            try other.run()
            return 0
        } catch  where interrupts.signal != nil {
            // Whatever failed did so because it was cancelled.
            let signal = interrupts.signal ?? SIGINT
            Console.standardError.print([Interrupts.message(signal)])
            return 128 + signal
        } catch let error as BuildError {
            Console.standardError.print(ErrorText(error).lines)
            return error.code.rawValue
        } catch {
            return report(parseError: error)
        }
    }

    /// Help and version go to standard output with status 0, mistakes to standard error with status 2.
    private static func report(parseError error: any Error) -> Int32 {
        let text = RootCommand.fullMessage(for: error)
        guard RootCommand.exitCode(for: error) == .success else {
            Console.standardError.print([text])
            return BuildError.Code.usage.rawValue
        }
        Console.standardOutput.print([text])
        return 0
    }
}

/// A command that does something: returns its exit status or throws.
protocol ToolCommand: ParsableCommand, Sendable {
    func perform() async throws -> Int32
}
