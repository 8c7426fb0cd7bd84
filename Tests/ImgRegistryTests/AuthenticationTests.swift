import ImgCredentials
import ImgOCI
import ImgRegistry
import ImgReport
import ImgTasks
import ImgTestKit
import Synchronization
import Testing

/// A registry that wants tokens, and the server that gives them (TEST-1).
private final class TokenWorld: Sendable {
    struct Rules: Sendable {
        var challenge: @Sendable (_ realm: String) -> [String] = { ["Bearer realm=\"\($0)\",service=\"reg\""] }
        var reply: @Sendable (ServerExchange, _ number: Int) throws -> ServerResponse = { _, number in
            ServerResponse(200, text: "{\"token\":\"tok-\(number)\",\"expires_in\":300}")
        }
        /// The tokens that are good at the moment, by number of the request at the registry.
        var accepts: @Sendable (_ authorization: String, ServerExchange) -> Bool = { text, _ in
            text.hasPrefix("Bearer tok-")
        }
        var refusal = 401
    }

    let registry: FakeRegistry
    let realm: ScriptedServer

    init(_ rules: Rules = Rules(), isRelative: Bool = false) throws {
        let tokens = Mutex(0)
        let give: @Sendable (ServerExchange) throws -> ServerResponse = { exchange in
            let number = tokens.withLock {
                $0 += 1
                return $0
            }
            return try rules.reply(exchange, number)
        }
        let realm = try ScriptedServer { exchange in try give(exchange) }
        self.realm = realm
        // The realm is at another port of the same host: http is allowed there for loopback.
        let url = isRelative ? "/token" : "\(realm.url)/token?fixed=1"
        registry = try FakeRegistry { exchange, _ in
            if exchange.path == "/token" { return .response(try give(exchange)) }
            if let text = exchange["Authorization"], rules.accepts(text, exchange) { return .standard }
            let headers = rules.challenge(url).map { ("WWW-Authenticate", $0) }
            return .response(answer(rules.refusal, "UNAUTHORIZED", headers: headers))
        }
    }

    var tokenRequests: [ScriptedServer.Record] {
        realm.requests + registry.requests.filter { $0.target.hasPrefix("/token") }
    }
}

private let me = Credential.basic(user: "me", password: Secret("pa:ss"))

@Suite(.timeLimit(.minutes(1))) struct AuthenticationTests {
    @Test func asksForOneTokenForAWholePush() async throws {
        let world = try TokenWorld()
        let test = TestClient(credentials: [world.registry.host: me])
        _ = try await test.push(world.registry.host).push(.blob(5000), tag: "v1")
        let requests = world.realm.requests
        #expect(requests.count == 1)
        let target = try #require(requests.first).target
        #expect(target.hasPrefix("/token?fixed=1&service=reg&scope=repository%3Ateam%2Fapp%3Apull%2Cpush&"))
        #expect(target.contains("client_id=imgbuild") && target.contains("account=me"))
        #expect(!target.contains("offline_token"))
        #expect(requests.first?["Authorization"] == "Basic bWU6cGE6c3M=")
        #expect(!test.events.lines.contains { $0.contains("tok-1") || $0.contains("pa:ss") })
    }

    @Test func concurrentRequestsShareOneToken() async throws {
        let world = try TokenWorld()
        let remote = try TestClient().pull(world.registry.host)
        world.registry.content.add(.blob(100), as: "v1")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 { group.addTask { _ = try await remote.hasBlob(Sample.blob(1).descriptor) } }
            try await group.waitForAll()
        }
        #expect(world.realm.requests.count == 1)
        #expect(world.realm.requests.first?["Authorization"] == nil)
    }

    @Test func takesAccessTokenAndRelativeRealm() async throws {
        var rules = TokenWorld.Rules()
        rules.reply = { _, number in ServerResponse(200, text: "{\"token\":\"\",\"access_token\":\"tok-\(number)\"}") }
        let world = try TokenWorld(rules, isRelative: true)
        #expect(try await TestClient().pull(world.registry.host).tags() == [])
        #expect(world.tokenRequests.count == 1)
    }

    @Test func probesTheBaseWhenAChallengeIsMissing() async throws {
        let realm = try ScriptedServer { _ in ServerResponse(200, text: "{\"token\":\"tok\"}") }
        let registry = try FakeRegistry { exchange, _ in
            if exchange["Authorization"] == "Bearer tok" { return .standard }
            let isBase = exchange.path == "/v2/"
            return .response(
                answer(
                    401,
                    "UNAUTHORIZED",
                    headers: isBase ? [("WWW-Authenticate", "Bearer realm=\"\(realm.url)\"")] : []
                )
            )
        }
        #expect(try await TestClient().pull(registry.host).tags() == [])
        #expect(registry.count("GET", containing: "/v2/") == 3)
    }

    @Test func stopsAfterASecondInsufficientScope() async throws {
        var rules = TokenWorld.Rules()
        rules.challenge = {
            ["Bearer realm=\"\($0)\",error=\"insufficient_scope\",scope=\"repository:team/app:pull,push\""]
        }
        rules.accepts = { _, _ in false }
        let world = try TokenWorld(rules)
        let error = try await failure {
            try await TestClient(credentials: [world.registry.host: me]).push(world.registry.host)
                .upload(Sample.blob(10).descriptor, body: .bytes(Sample.blob(10).bytes))
        }
        #expect(error.buildError.code == .denied)
        #expect(error.identity == "me")
        #expect(world.realm.requests.count <= 2)
        #expect(world.registry.requests.count <= 3)
    }

    @Test func asksForWhatTheChallengeNames() async throws {
        var rules = TokenWorld.Rules()
        rules.challenge = { ["Bearer realm=\"\($0)\",scope=\"repository:other/name:pull\""] }
        let world = try TokenWorld(rules)
        _ = try await TestClient().pull(world.registry.host).tags()
        let target = try #require(world.realm.requests.first).target
        #expect(target.contains("scope=repository%3Aother%2Fname%3Apull&scope=repository%3Ateam%2Fapp%3Apull"))
    }

    @Test func renewsATokenThatDiesDuringAPush() async throws {
        // The server calls a token good for 1 s; the client may count on 60 s and learns by 401.
        var rules = TokenWorld.Rules()
        rules.reply = { _, number in ServerResponse(200, text: "{\"token\":\"tok-\(number)\",\"expires_in\":1}") }
        rules.accepts = { text, exchange in
            text == (exchange.method == "PUT" ? "Bearer tok-2" : "Bearer tok-1") || text == "Bearer tok-2"
        }
        let world = try TokenWorld(rules)
        let blob = Sample.blob(300_000)
        let outcome = try await TestClient(credentials: [world.registry.host: me]).push(world.registry.host)
            .upload(blob.descriptor, body: .bytes(blob.bytes))
        #expect(outcome == .uploaded(bytes: 300_000))
        #expect(world.realm.requests.count == 2)
        #expect(world.registry.content.blob(blob.descriptor.digest) == blob.bytes)
    }

    @Test func postsIdentityTokens() async throws {
        var rules = TokenWorld.Rules()
        rules.reply = { exchange, number in
            guard exchange.method == "POST" else { return ServerResponse(400) }
            let form = String(decoding: try exchange.body(), as: UTF8.self)
            guard form.contains("grant_type=refresh_token&refresh_token=id%2Ftok"),
                form.contains("scope=repository%3Ateam%2Fapp%3Apull")
            else { return ServerResponse(400, text: form) }
            return ServerResponse(200, text: "{\"access_token\":\"tok-\(number)\"}")
        }
        let world = try TokenWorld(rules)
        let identity = Credential.identityToken(user: nil, Secret("id/tok"))
        #expect(
            try await TestClient(credentials: [world.registry.host: identity]).pull(world.registry.host).tags() == []
        )
    }

    @Test(arguments: [404, 405, 400, 401])
    func fallsBackToGetForIdentityTokens(_ status: Int) async throws {
        var rules = TokenWorld.Rules()
        rules.reply = { exchange, number in
            exchange.method == "POST"
                ? ServerResponse(status) : ServerResponse(200, text: "{\"token\":\"tok-\(number)\"}")
        }
        let world = try TokenWorld(rules)
        let identity = Credential.identityToken(user: "me", Secret("id"))
        #expect(
            try await TestClient(credentials: [world.registry.host: identity]).pull(world.registry.host).tags() == []
        )
        #expect(world.realm.requests.last?["Authorization"] == "Basic bWU6aWQ=")
    }

    @Test func goesOnWithoutARefusedMountScope() async throws {
        var rules = TokenWorld.Rules()
        rules.reply = { exchange, number in
            exchange.target.contains("secret%2Fbase")
                ? answer(403, "DENIED") : ServerResponse(200, text: "{\"token\":\"tok-\(number)\"}")
        }
        let world = try TokenWorld(rules)
        let blob = Sample.blob(1000)
        let outcome = try await TestClient(credentials: [world.registry.host: me]).push(world.registry.host)
            .upload(blob.descriptor, body: .bytes(blob.bytes), hints: UploadHints(mountSources: ["secret/base"]))
        #expect(outcome == .uploaded(bytes: 1000))
        #expect(world.registry.count("POST", containing: "mount=") == 0)
    }

    @Test func reportsRejectedCredentials() async throws {
        var rules = TokenWorld.Rules()
        rules.reply = { _, _ in ServerResponse(401, text: "{\"details\":\"incorrect username or password\"}") }
        let world = try TokenWorld(rules)
        let error = try await failure {
            _ = try await TestClient(credentials: [world.registry.host: me]).pull(world.registry.host).tags()
        }
        #expect(error.code == .unauthorized)
        #expect(error.reason.contains("rejected the credentials of me from the command line"))
        #expect(error.buildError.diagnostics[0].notes.contains { $0.contains("incorrect username or password") })
    }

    @Test func reportsARejectedPassword() async throws {
        let registry = try FakeRegistry { _, _ in
            .response(answer(401, "UNAUTHORIZED", headers: [("WWW-Authenticate", "Basic realm=\"x\"")]))
        }
        let error = try await failure {
            _ = try await TestClient(credentials: [registry.host: me]).pull(registry.host).tags()
        }
        #expect(error.code == .unauthorized)
        #expect(error.reason == "\(registry.host) rejected the credentials of me from the command line")
        let report = error.buildError.diagnostics[0]
        #expect(report.hints == ["log in again: imgbuild login \(registry.host)"])
        #expect(!report.notes.contains { $0.hasPrefix("identity") }, "said already")
        let stranger = try await failure { _ = try await TestClient().pull(registry.host).tags() }
        #expect(stranger.reason == "authentication is required")
    }

    /// What `docker login` has stored of Amazon ECR, and nothing to get a new password with.
    @Test func namesAPasswordThatHasExpired() async throws {
        let host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
        let registry = try FakeRegistry { _, _ in
            .response(answer(403, "DENIED", "Your authorization token has expired. Reauthenticate and try again."))
        }
        try await Scratch.with { scratch in
            try scratch.write("\(host)/hosts.toml", "server = \"http://\(registry.host)\"\n")
            var hosts = HostSettings.bare()
            hosts.hostsDirectories = [scratch.path]
            let entry = Base64.encode(Array("AWS:old".utf8))
            let test = TestClient(
                hosts: hosts,
                variables: ["DOCKER_AUTH_CONFIG": "{\"auths\":{\"\(host)\":{\"auth\":\"\(entry)\"}}}"]
            )
            let error = try await failure { _ = try await test.push(host).resolve(.tag("v1")) }
            #expect(error.reason == "the password from DOCKER_AUTH_CONFIG has expired; Amazon ECR's hold for 12 hours")
            let report = error.buildError
            #expect(report.code == .denied)
            let text = report.diagnostics[0]
            #expect(text.hints.first?.hasPrefix("imgbuild logout \(host) ") == true)
            #expect(text.notes.contains { $0.hasPrefix("signing in anew failed, too: ") })
            #expect(!text.hints.contains { $0.contains("ecr:") }, "rights are not what is missing")
        }
    }

    @Test(arguments: ["<html></html>", "{}", "[1]", "{\"token\":\"a\\r\\nX: y\"}"])
    func refusesNonsenseFromTheRealm(_ text: String) async throws {
        var rules = TokenWorld.Rules()
        rules.reply = { _, _ in ServerResponse(200, text: text) }
        let world = try TokenWorld(rules)
        let error = try await failure { _ = try await TestClient().pull(world.registry.host).tags() }
        #expect(error.code == .protocol)
        #expect(error.reason.hasPrefix("the token server"))
    }

    @Test func sendsRegistryTokensAsTheyAre() async throws {
        var rules = TokenWorld.Rules()
        rules.accepts = { text, _ in text == "Bearer ready-made" }
        let world = try TokenWorld(rules)
        let test = TestClient(credentials: [world.registry.host: .registryToken(Secret("ready-made"))])
        #expect(try await test.pull(world.registry.host).tags() == [])
        #expect(world.realm.requests.isEmpty)
    }

    @Test func forbiddenIsFinal() async throws {
        let registry = try FakeRegistry { _, _ in .response(answer(403, "DENIED", "no \\u001b[31mred\\u0007 for you")) }
        let error = try await failure { _ = try await TestClient().pull(registry.host).tags() }
        #expect(error.code == .denied)
        #expect(registry.requests.count == 1)
        #expect(error.answers.map(\.message) == ["no [31mred for you"])
        #expect(error.buildError.code == .denied)
    }

    @Test func doesNotAskAnEvilRealm() async throws {
        for realm in [
            "http://169.254.169.254/latest", "file:///etc/passwd", "http://example.com/token", "http://user@127.0.0.1/",
        ] {
            let registry = try FakeRegistry { _, _ in
                .response(answer(401, "UNAUTHORIZED", headers: [("WWW-Authenticate", "Bearer realm=\"\(realm)\"")]))
            }
            let error = try await failure {
                _ = try await TestClient(credentials: [registry.host: me]).pull(registry.host).tags()
            }
            #expect(error.code == .blocked, "\(realm): \(error)")
        }
    }
}
