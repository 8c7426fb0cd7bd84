import ArgumentParser
import ImgBuilder
import ImgOCI
import ImgReport
import Testing

@testable import ImgCLI

/// What a command line means, without touching the machine.
func meaning(_ arguments: [String], variables: [String: String] = [:]) throws -> BuildIntent {
    let command = try #require(try RootCommand.parseAsRoot(arguments) as? BuildCommand)
    return try command.build(
        BuilderEnvironment(variables: variables, homeDirectory: "/home/user", workingDirectory: "/src")
    )
}

/// The request that a command line means.
func request(_ arguments: [String], variables: [String: String] = [:]) throws -> BuildRequest {
    try meaning(arguments, variables: variables).request
}

/// The usage error that a command line is answered with.
func refusal(_ arguments: [String]) throws -> Diagnostic {
    do {
        _ = try request(arguments)
    } catch let error as BuildError {
        #expect(error.code == .usage)
        return try #require(error.diagnostics.first)
    }
    throw Unrefused(arguments: arguments)
}

struct Unrefused: Error {
    var arguments: [String]
}

func platform(_ text: String) throws -> Platform { try Platform(parsing: text) }

func reference(_ text: String) throws -> ImageReference { try ImageReference(parsing: text) }
