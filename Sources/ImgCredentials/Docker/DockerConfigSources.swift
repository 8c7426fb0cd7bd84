import ImgOCI
import ImgReport

/// Where Docker's and Podman's configuration lies, and reading it.
struct DockerConfigSources: Sendable {
    /// JSON text in a variable, in front of every file (CFG-9).
    static let inlineVariable = "DOCKER_AUTH_CONFIG"

    let context: CredentialContext

    /// The file that `login` writes and Docker reads; nil without `DOCKER_CONFIG` and home directory (CFG-1).
    var dockerFile: String? {
        if let directory = context.environment.variable("DOCKER_CONFIG") {
            return context.environment.expandingTilde(directory) + "/config.json"
        }
        let home = context.environment.home
        return home.isEmpty ? nil : home + "/.docker/config.json"
    }

    /// The configuration of every place, the first to be asked first (CFG-4, CFG-10).
    ///
    /// What this user may not read is left out with a warning: in containers HOME is often that of another.
    func load() async throws(BuildError) -> [DockerConfig] {
        var configs: [DockerConfig] = []
        if let inline = inlineConfig() { configs.append(inline) }
        var sawDockerFile = false
        var denied: [String] = []
        for path in files {
            guard let bytes = try await read(path, noting: &denied) else { continue }
            if path == dockerFile { sawDockerFile = true }
            configs.append(try DockerConfig(parsing: bytes, origin: path))
        }
        if !sawDockerFile, let path = legacyFile, let bytes = try await read(path, noting: &denied) {
            configs.append(try DockerConfig(parsing: bytes, origin: path, isFlat: true))
        }
        if !denied.isEmpty {
            context.warn(
                "going on without the credentials in \(denied.joined(separator: ", ")): permission denied",
                hints: [Self.directoryHint]
            )
        }
        return configs
    }

    /// Docker's own file; empty when there is none.
    func loadDockerFile() async throws(BuildError) -> DockerConfig {
        guard let path = dockerFile else { return DockerConfig(origin: "no home directory") }
        guard let bytes = try await read(path) else { return DockerConfig(origin: path) }
        return try DockerConfig(parsing: bytes, origin: path)
    }

    /// Every place that is looked at, for messages.
    var places: [String] {
        let inline = context.environment.variable(Self.inlineVariable) == nil ? [] : [Self.inlineVariable]
        return inline + files + (legacyFile.map { [$0] } ?? [])
    }

    private var files: [String] {
        let environment = context.environment
        let docker = dockerFile.map { [$0] } ?? []
        if let explicit = environment.variable("REGISTRY_AUTH_FILE") {
            return [environment.expandingTilde(explicit)] + docker
        }
        var podman: [String] = []
        if let runtime = environment.variable("XDG_RUNTIME_DIR") { podman.append(runtime) }
        if let configuration = environment.variable("XDG_CONFIG_HOME") {
            podman.append(configuration)
        } else if !environment.home.isEmpty {
            podman.append(environment.home + "/.config")
        }
        return docker + podman.map { $0 + "/containers/auth.json" }
    }

    /// What Docker wrote before 1.7; a file of the modern form replaces it.
    private var legacyFile: String? {
        let environment = context.environment
        guard environment.variable("DOCKER_CONFIG") == nil, environment.variable("REGISTRY_AUTH_FILE") == nil,
            !environment.home.isEmpty
        else { return nil }
        return environment.home + "/.dockercfg"
    }

    private static let directoryHint = "set DOCKER_CONFIG, or HOME, to a directory that this user may read"

    private func read(_ path: String, noting denied: inout [String]) async throws(BuildError) -> [UInt8]? {
        do {
            return try await context.files.read(path)
        } catch {
            guard error.isDenied else { throw Self.unreadable(error, path) }
            denied.append(path)
            return nil
        }
    }

    private func read(_ path: String) async throws(BuildError) -> [UInt8]? {
        do {
            return try await context.files.read(path)
        } catch {
            throw Self.unreadable(error, path)
        }
    }

    private static func unreadable(_ error: CredentialFileError, _ path: String) -> BuildError {
        let hints = error.isDenied ? [directoryHint] : []
        return BuildError(.denied, "cannot read credentials from \(path): \(error.reason)", hints: hints)
    }

    /// A broken variable is reported and ignored as a whole, as Docker does (CFG-9).
    private func inlineConfig() -> DockerConfig? {
        guard let text = context.environment.variable(Self.inlineVariable) else { return nil }
        do {
            let bytes = Array(text.utf8)
            let config = try DockerConfig(parsing: bytes, origin: Self.inlineVariable)
            let unknown = try DockerConfig.object(bytes, origin: Self.inlineVariable).keys
                .filter { !["auths", "credsStore", "credHelpers", "HttpHeaders"].contains($0) }
            if !unknown.isEmpty {
                context.debug(
                    "\(Self.inlineVariable): ignoring \(unknown.map(ForeignText.line).joined(separator: ", "))"
                )
            }
            return config
        } catch {
            context.warn(
                "\(Self.inlineVariable) is ignored: \(error)",
                hints: [#"its form is {"auths":{"HOST":{"auth":"BASE64"}}}"#]
            )
            return nil
        }
    }
}
