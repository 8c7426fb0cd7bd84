import ArgumentParser
import ImgBuilder
import ImgReport

/// `imgbuild login`.
struct LoginCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "login",
        abstract: "Keep credentials for a registry, where Docker finds them too."
    )

    @Argument(help: "HOST[:PORT] (default: Docker Hub).")
    var host: String?

    @Option(name: [.customShort("u"), .customLong("username")], parsing: .unconditional, help: "User name.")
    var user: String?

    @Option(name: [.customShort("p"), .customLong("password")], parsing: .unconditional, help: .hidden)
    var password: String?

    @Flag(name: .customLong("password-stdin"), help: "Read the password from standard input.")
    var readsPassword = false

    @OptionGroup(title: "Registries and cache")
    var machine: MachineOptions

    @OptionGroup(title: "Output")
    var output: DebugOption

    func validate() throws {
        if readsPassword, user == nil { throw ValidationError("--password-stdin needs -u USER.") }
        if readsPassword, password != nil {
            throw ValidationError("--password and --password-stdin exclude each other.")
        }
    }

    func perform() async throws -> Int32 {
        let events = output.events
        let builder = Builder(environment: try machine.environment(), events: events)
        let name = try user ?? Prompt.ask("Username")
        let result = try await builder.login(
            LoginRequest(host: host, user: name, password: try secret(warning: events))
        )
        Console.standardOutput.print(["Login Succeeded: \(name) at \(result.host), kept in \(result.location)"])
        return 0
    }

    private func secret(warning events: any EventSink) throws -> String {
        if readsPassword { return try Prompt.wholeInput() }
        guard let password else { return try Prompt.ask("Password", isSecret: true) }
        events.emit(
            .warning(
                Diagnostic(
                    .warning,
                    "a password on the command line can be read by others and stays in the shell's history",
                    hints: ["use --password-stdin"]
                )
            )
        )
        return password
    }
}

/// `imgbuild logout`.
struct LogoutCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "logout",
        abstract: "Forget the credentials for a registry."
    )

    @Argument(help: "HOST[:PORT] (default: Docker Hub).")
    var host: String?

    func perform() async throws -> Int32 {
        let places = try await Builder(environment: .current, events: WarningsOnly()).logout(host)
        let name = host ?? "docker.io"
        Console.standardOutput.print(
            places.isEmpty
                ? ["Not logged in to \(name)"] : places.map { "Removed the credentials for \(name) from \($0)" }
        )
        return 0
    }
}
