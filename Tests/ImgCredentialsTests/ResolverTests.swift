import ImgCredentials
import ImgOCI
import ImgReport
import ImgTestKit
import Testing

@Suite struct ResolverTests {
    private static let docker = "/home/u/.docker/config.json"

    private static func auths(_ host: String, _ user: String) -> String {
        #"{"auths":{"\#(host)":{"auth":"\#(base64("\(user):p"))"}}}"#
    }

    /// A helper that knows one host, or fails.
    private static func helper(_ reply: CredentialCommandResult) -> ScriptedProcesses {
        ScriptedProcesses(installed: ["docker-credential-h"]) { (_) throws(CredentialProcessError) in reply }
    }

    private static let found = CredentialCommandResult(
        status: 0,
        output: Array(#"{"ServerURL":"x","Username":"helped","Secret":"s"}"#.utf8)
    )
    private static let notFound = CredentialCommandResult(
        status: 1,
        output: Array("credentials not found in native keychain\n".utf8)
    )
    private static let broken = CredentialCommandResult(
        status: 1,
        output: Array("gpg: no \u{1b}[31mkey".utf8),
        errorText: "pinentry went away\n"
    )

    private func user(
        _ world: World,
        _ host: String = "h.io",
        _ path: String = "a/b",
        _ purpose: CredentialPurpose = .push
    ) async throws -> String {
        try await world.resolver().credential(for: host, repository: path, purpose: purpose).identity
    }

    @Test func takesPlacesInOrder() async throws {
        var world = World()
        #expect(try await user(world) == "anonymous")
        world.files["/home/u/.dockercfg"] = #"{"h.io":{"auth":"\#(base64("legacy:p"))"}}"#
        #expect(try await user(world) == "legacy")
        world.files["/home/u/.config/containers/auth.json"] = Self.auths("h.io", "podman")
        #expect(try await user(world) == "podman")
        world.variables["XDG_RUNTIME_DIR"] = "/run/u"
        world.files["/run/u/containers/auth.json"] = Self.auths("h.io", "runtime")
        #expect(try await user(world) == "runtime")
        world.files[Self.docker] = Self.auths("h.io", "docker")
        #expect(try await user(world) == "docker")
        world.variables["REGISTRY_AUTH_FILE"] = "~/auth.json"
        world.files["/home/u/auth.json"] = Self.auths("h.io", "explicit")
        #expect(try await user(world) == "explicit")
        world.variables["DOCKER_AUTH_CONFIG"] = Self.auths("h.io", "inline")
        #expect(try await user(world) == "inline")
        let options = CredentialResolver.Options(explicit: ["h.io": .basic(user: "option", password: Secret("p"))])
        let resolved = try await world.resolver(options).credential(for: "h.io", repository: "a", purpose: .pull)
        #expect(resolved.identity == "option")
        #expect(resolved.origin == .explicit)
    }

    /// In a container HOME may be that of another user.
    @Test func whatMayNotBeReadIsLeftOut() async throws {
        var world = World()
        let podman = "/home/u/.config/containers/auth.json"
        world.files = MemoryFiles([podman: Self.auths("h.io", "podman")], denied: [Self.docker, "/home/u/.dockercfg"])
        #expect(try await user(world) == "podman")
        let warning = try #require(world.events.warnings.first)
        let places = "\(Self.docker), /home/u/.dockercfg"
        #expect(warning.message == "going on without the credentials in \(places): permission denied")
        #expect(warning.hints.contains { $0.contains("DOCKER_CONFIG") })
        #expect(world.events.warnings.count == 1)
    }

    @Test func helpersComeBeforeEntries() async throws {
        var world = World()
        world.processes = Self.helper(Self.found)
        let entry = #""auths":{"h.io":{"auth":"\#(base64("plain:p"))"}}"#
        world.files[Self.docker] = #"{"credHelpers":{"h.io":"h"},\#(entry)}"#
        let byHost = try await world.resolver().credential(for: "h.io", repository: "a", purpose: .push)
        #expect(byHost.credential == .basic(user: "helped", password: Secret("s")))
        #expect(byHost.source == "docker-credential-h")
        #expect(byHost.origin == .hostHelper)
        world.files[Self.docker] = #"{"credsStore":"h",\#(entry)}"#
        let byStore = try await world.resolver().credential(for: "h.io", repository: "a", purpose: .push)
        #expect(byStore.origin == .catchAllStore)
        world.processes = Self.helper(Self.notFound)
        #expect(try await user(world) == "plain")
    }

    @Test(arguments: [("docker.io", hubKey), ("ghcr.io", "ghcr.io"), ("q.io:5000", "https://q.io:5000")])
    func asksHelpersForTheirOwnKey(host: String, key: String) async throws {
        let processes = Self.helper(Self.found)
        var world = World()
        world.processes = processes
        world.files[Self.docker] = #"{"credHelpers":{"docker.io":"h","ghcr.io":"h","https://q.io:5000":"h"}}"#
        _ = try await user(world, host)
        #expect(processes.commands.map(\.input) == [Secret(key)])
        #expect(processes.commands.map(\.arguments) == [["get"]])
    }

    @Test func aFailingHelperStopsAPushAndWarnsOnAPull() async throws {
        var world = World()
        world.processes = Self.helper(Self.broken)
        world.files[Self.docker] = #"{"credsStore":"h","auths":{"h.io":{"auth":"\#(base64("plain:p"))"}}}"#
        let resolver = world.resolver()
        for _ in 0..<2 {
            let pulled = try await resolver.credential(for: "h.io", repository: "a", purpose: .pull)
            #expect(pulled.credential == .anonymous)
            #expect(pulled.source == "docker-credential-h failed")
        }
        #expect(world.events.warnings.count == 1, "told once while the answer is kept")
        #expect(world.events.warnings.first?.message == "docker-credential-h failed for h.io: gpg: no [31mkey")
        #expect(world.events.warnings.first?.notes.first == "docker-credential-h: pinentry went away")
        let error = await buildError { () throws(BuildError) in
            try await resolver.credential(for: "h.io", repository: "a", purpose: .push)
        }
        #expect(error?.code == .denied)
    }

    @Test func aMissingHelperIsNamedWithItsFile() async {
        var world = World()
        world.processes = ScriptedProcesses.none
        world.files[Self.docker] = #"{"credHelpers":{"h.io":"h"}}"#
        let resolver = world.resolver()
        let error = await buildError { () throws(BuildError) in
            try await resolver.credential(for: "h.io", repository: "a", purpose: .push)
        }
        #expect(error?.description == "docker-credential-h not found in PATH (configured for h.io in \(Self.docker))")
        #expect(error?.code == .denied)
    }

    @Test func keepsAnAnswerForItsPeriodAndAsksOnceHoweverManyWait() async throws {
        let processes = Self.helper(Self.found)
        var world = World()
        world.processes = processes
        world.files[Self.docker] = #"{"credsStore":"h"}"#
        let resolver = world.resolver()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<8 {
                group.addTask {
                    _ = try await resolver.credential(for: "h.io", repository: "r\(index)", purpose: .push)
                }
            }
            try await group.waitForAll()
        }
        #expect(processes.commands.count == 1)
        world.clock.advance(seconds: 289)
        _ = try await resolver.credential(for: "h.io", repository: "a", purpose: .push)
        #expect(processes.commands.count == 1)
        world.clock.advance(seconds: 2)
        _ = try await resolver.credential(for: "h.io", repository: "a", purpose: .push)
        #expect(processes.commands.count == 2)
        resolver.invalidate("h.io")
        _ = try await resolver.credential(for: "h.io", repository: "a", purpose: .push)
        #expect(processes.commands.count == 3)
    }

    @Test(arguments: [#"{"auths":"#, #"{"auths":{}} trailing"#, "[]"])
    func ignoresABrokenVariableWithAWarning(_ text: String) async throws {
        var world = World()
        world.variables["DOCKER_AUTH_CONFIG"] = text
        world.files[Self.docker] = Self.auths("h.io", "docker")
        #expect(try await user(world) == "docker")
        #expect(world.events.warnings.first?.message.hasPrefix("DOCKER_AUTH_CONFIG is ignored") == true)
    }

    @Test func theVariableOverridesHostByHost() async throws {
        var world = World()
        world.variables["DOCKER_AUTH_CONFIG"] = Self.auths("other.io", "inline")
        world.files[Self.docker] = Self.auths("h.io", "docker")
        #expect(try await user(world) == "docker")
        #expect(try await user(world, "other.io") == "inline")
    }

    @Test func honoursDockerConfigAndPathKeys() async throws {
        var world = World()
        world.variables["DOCKER_CONFIG"] = "/elsewhere"
        world.files["/elsewhere/config.json"] = #"""
            {"auths":{"h.io":{"auth":"\#(base64("all:p"))"},"h.io/team":{"auth":"\#(base64("team:p"))"}}}
            """#
        world.files[Self.docker] = Self.auths("h.io", "home")
        #expect(try await user(world, "h.io", "team/app") == "team")
        #expect(try await user(world, "h.io", "teams/app") == "all")
        #expect(world.files.reads.contains(Self.docker) == false)
    }

    @Test func anonymousNamesTheSearchedPlaces() async throws {
        let world = World()
        let resolved = try await world.resolver().credential(for: "h.io", repository: "a", purpose: .push)
        #expect(resolved.credential == .anonymous)
        #expect(resolved.source.contains(Self.docker))
        #expect(resolved.source.contains("/home/u/.config/containers/auth.json"))
    }

    @Test func passesHeadersOn() async throws {
        let world = World()
        world.files[Self.docker] = #"{"HttpHeaders":{"X-A":"1"}}"#
        #expect(try await world.resolver().configuredHeaders() == [CredentialHeader("X-A", "1")])
    }
}
