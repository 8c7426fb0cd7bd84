package import ImgOCI
package import ImgReport

/// What the process knows of its surroundings, read once by the caller and passed as values.
package struct CredentialEnvironment: Sendable {
    /// The environment variables.
    package var variables: [String: String]
    /// The home directory, absolute; empty when there is none.
    package var home: String
    /// The wall clock.
    package var now: @Sendable () -> Timestamp
    /// How to wait between attempts.
    package var sleep: @Sendable (Duration) async throws -> Void

    package init(
        variables: [String: String],
        home: String,
        now: @escaping @Sendable () -> Timestamp,
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.variables = variables
        self.home = home
        self.now = now
        self.sleep = sleep
    }

    /// A variable that is set and not empty.
    func variable(_ name: String) -> String? {
        variables[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Whether a variable says `true`, in any case.
    func isTrue(_ name: String) -> Bool { variable(name)?.lowercased() == "true" }

    /// `~` and `~/…` with the home directory in place of the tilde.
    func expandingTilde(_ path: String) -> String {
        guard !home.isEmpty else { return path }
        if path == "~" { return home }
        return path.hasPrefix("~/") ? home + path.dropFirst() : path
    }

    /// The directories of `PATH`; relative entries are skipped (SEC-16).
    func directoriesOnPath() -> [String] {
        (variables["PATH"] ?? "").split(separator: ":").map(String.init).filter { $0.hasPrefix("/") }
    }
}

/// Everything this module needs from outside, in one value.
package struct CredentialContext: Sendable {
    package var environment: CredentialEnvironment
    package var files: any CredentialFiles
    package var processes: any CredentialProcesses
    package var transport: any CredentialTransport
    package var events: any EventSink

    package init(
        environment: CredentialEnvironment,
        files: any CredentialFiles,
        processes: any CredentialProcesses,
        transport: any CredentialTransport,
        events: any EventSink
    ) {
        self.environment = environment
        self.files = files
        self.processes = processes
        self.transport = transport
        self.events = events
    }
}

extension CredentialContext {
    func warn(_ message: String, notes: [String] = [], hints: [String] = []) {
        events.emit(.warning(Diagnostic(.warning, message, notes: notes, hints: hints)))
    }

    func debug(_ message: String) {
        events.emit(.debug(message))
    }

    /// The absolute path of a program on `PATH`.
    func locate(_ program: String) async -> String? {
        await processes.locate(program, in: environment.directoriesOnPath())
    }
}
