import ImgOCI
import ImgReport
import ImgTestKit
import Testing

@testable import ImgBuilder

/// Against a registry that knows one account, `alice` with the password `s3cret`.
@Suite("Keeping and forgetting credentials") struct LoginTests {
    private static let basic = "Basic " + Base64.encode(Array("alice:s3cret".utf8))

    /// The base of an API that wants Basic authentication.
    private static func registry() throws -> ScriptedServer {
        try ScriptedServer { exchange in
            guard exchange["Authorization"] == basic else {
                return ServerResponse(401, headers: [("WWW-Authenticate", "Basic realm=\"r\"")])
            }
            return ServerResponse(200, text: "{}")
        }
    }

    /// One that wants a token, and whose token server has a refresh token to give.
    private static func tokenRegistry() throws -> ScriptedServer {
        try ScriptedServer { exchange in
            let host = exchange["Host"] ?? ""
            if exchange.target.hasPrefix("/token") {
                guard exchange["Authorization"] == basic else { return ServerResponse(401) }
                return ServerResponse(200, text: #"{"token":"T","refresh_token":"keep-me"}"#)
            }
            guard exchange["Authorization"] == "Bearer T" else {
                let challenge = "Bearer realm=\"http://\(host)/token\",service=\"s\""
                return ServerResponse(401, headers: [("WWW-Authenticate", challenge)])
            }
            return ServerResponse(200, text: "{}")
        }
    }

    private static func builder(_ scratch: Scratch, _ events: any EventSink = SilentEvents()) -> Builder {
        let variables = ["DOCKER_CONFIG": scratch["docker"], "PATH": scratch["bin"]]
        return Builder(
            environment: BuilderEnvironment(
                variables: variables,
                homeDirectory: scratch["home"],
                workingDirectory: scratch.path
            ),
            events: events
        )
    }

    private static func stored(_ scratch: Scratch, _ host: String) async throws -> JSON? {
        let text = try await Program.run("cat", [scratch["docker/config.json"]]).output
        return try JSON.parse(Array(text.utf8))["auths"]?[host]
    }

    @Test func acceptedCredentialsAreKept() async throws {
        let server = try Self.registry()
        defer { server.stop() }
        let host = "127.0.0.1:\(server.port)"
        try await Scratch.with { scratch in
            let recorder = RecordedEvents()
            let builder = Self.builder(scratch, recorder)
            let result = try await builder.login(
                LoginRequest(host: "http://\(host)/v2/", user: "alice", password: "s3cret")
            )
            #expect(result.host == host)
            #expect(result.location == scratch["docker/config.json"])
            let entry = try #require(try await Self.stored(scratch, host))
            #expect(entry["auth"]?.stringValue == Base64.encode(Array("alice:s3cret".utf8)))
            #expect(recorder.warnings.contains { $0.message.contains("unencrypted") })
            #expect(try await builder.logout(host) == [scratch["docker/config.json"]])
            #expect(try await Self.stored(scratch, host) == nil)
            #expect(try await builder.logout(host) == [])
        }
    }

    @Test(arguments: [true, false])
    func refusedCredentialsAreNot(_ usesTokens: Bool) async throws {
        let server = try usesTokens ? Self.tokenRegistry() : Self.registry()
        defer { server.stop() }
        try await Scratch.with { scratch in
            let request = LoginRequest(host: "127.0.0.1:\(server.port)", user: "alice", password: "guess")
            let error = try await #require(throws: BuildError.self) { try await Self.builder(scratch).login(request) }
            #expect(error.code == .denied)
            #expect(error.diagnostics.first?.notes.contains("nothing was stored") == true)
            #expect(!"\(error)".contains("guess"))
            let files = try await Program.run("find", [scratch.path, "-type", "f"])
            #expect(files.output.isEmpty)
        }
    }

    @Test func refreshTokenTakesThePasswordsPlace() async throws {
        let server = try Self.tokenRegistry()
        defer { server.stop() }
        let host = "127.0.0.1:\(server.port)"
        try await Scratch.with { scratch in
            _ = try await Self.builder(scratch).login(LoginRequest(host: host, user: "alice", password: "s3cret"))
            let entry = try #require(try await Self.stored(scratch, host))
            #expect(entry["identitytoken"]?.stringValue == "keep-me")
            #expect(entry["auth"]?.stringValue == Base64.encode(Array("alice:".utf8)))
            let asked = server.requests.filter { $0.target.hasPrefix("/token") }
            #expect(!asked.isEmpty)
            #expect(asked.allSatisfy { !$0.target.contains("scope=") }, "a login is for no repository")
        }
    }

    @Test(arguments: [("", "x"), ("x", "")])
    func anEmptyUserOrPasswordIsRefused(_ user: String, _ password: String) async throws {
        try await Scratch.with { scratch in
            let request = LoginRequest(host: "127.0.0.1:1", user: user, password: password)
            let error = try await #require(throws: BuildError.self) { try await Self.builder(scratch).login(request) }
            #expect(error.code == .usage)
        }
    }

    @Test func doctorTellsWhatAStrangerAndAUserMayDo() async throws {
        let server = try Self.registry()
        defer { server.stop() }
        try await Scratch.with { scratch in
            let builder = Self.builder(scratch)
            let reference = try ImageReference(parsing: "127.0.0.1:\(server.port)/a/b")
            let stranger = try await builder.doctor(reference, triesPush: true)
            #expect(stranger.fails)
            #expect(stranger.findings.first { $0.name == "challenge" }?.detail == "Basic")
            #expect(stranger.findings.first { $0.name == "tls" }?.verdict == .warn)
            #expect(stranger.findings.first { $0.name == "push" }?.verdict == .fail)
            let request = LoginRequest(host: reference.domain, user: "alice", password: "s3cret")
            _ = try await builder.login(request)
            let friend = try await builder.doctor(reference, triesPush: true)
            #expect(friend.findings.first { $0.name == "sign-in" }?.detail == "accepted as alice")
            #expect(friend.findings.first { $0.name == "push" }?.verdict == .ok)
            #expect(!friend.findings.contains { $0.detail.contains("s3cret") })
        }
    }

    /// What a token grants is told where the token tells it, and guessed nowhere.
    @Test func doctorCannotReadAnOpaqueToken() async throws {
        let server = try Self.tokenRegistry()
        defer { server.stop() }
        try await Scratch.with { scratch in
            let builder = Self.builder(scratch)
            let reference = try ImageReference(parsing: "127.0.0.1:\(server.port)/a/b")
            let auth = Self.basic.dropFirst("Basic ".count)
            try scratch.write("docker/config.json", "{\"auths\":{\"\(reference.domain)\":{\"auth\":\"\(auth)\"}}}")
            let report = try await builder.doctor(reference, triesPush: false)
            let scopes = report.findings.filter { $0.name == "scopes" }
            #expect(scopes.map(\.verdict) == [.ok])
            let words = "a token for repository:a/b:pull was given; it does not say what it grants"
            #expect(scopes.map(\.detail) == [words])
        }
    }
}
