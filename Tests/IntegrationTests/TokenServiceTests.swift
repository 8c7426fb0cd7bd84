import ImgTestKit
import Testing

/// docker-registry that verifies the tokens of a token server.
@Suite struct TokenServiceTests {
    private static let account = "me:pw-of-me"

    private struct World: Sendable {
        let lab: Lab
        let tokens: TokenServer

        /// Grants after a moment of the test.
        func grants(since count: Int) -> [TokenServer.Grant] { Array(tokens.grants.dropFirst(count)) }

        func signIn(to host: String? = nil) throws {
            let auth = Base64Text.encode(Array(account.utf8))
            let host = host ?? lab.registry.host
            try lab.scratch.write("docker/config.json", "{\"auths\":{\"\(host)\":{\"auth\":\"\(auth)\"}}}")
        }

        func push(_ arguments: [String] = [], to image: String, from base: String) async throws -> ProgramResult {
            let context = try lab.context(from: base)
            let result = try await lab.imgbuild(
                ["-D", "--platform", "linux/amd64"] + arguments + ["-t", image, "--push", context]
            )
            for grant in tokens.grants { #expect(!result.errors.contains(grant.token)) }
            #expect(!result.errors.contains("pw-of-me") && !result.errors.contains("Bearer ey"))
            return result
        }
    }

    private static func with(
        _ algorithm: TokenServer.Algorithm = .es256,
        policy: @escaping TokenServer.Policy = TokenServer.usual,
        life: Int = 300,
        _ body: @Sendable @escaping (World) async throws -> Void
    ) async throws {
        try await Scratch.with { scratch in
            let tokens = try await TokenServer(
                in: scratch,
                algorithm,
                accounts: ["me": "pw-of-me"],
                policy: policy,
                life: { _ in life }
            )
            defer { tokens.stop() }
            let configuration = tokens.registryConfiguration
            try await Lab.with(bases: ["busybox"], account: account, configuration: { _ in configuration }) { lab in
                try await body(World(lab: lab, tokens: tokens))
            }
        }
    }

    @Test(arguments: TokenServer.Algorithm.allCases)
    func mountAsksForBothRepositories(_ algorithm: TokenServer.Algorithm) async throws {
        try await Self.with(algorithm) { world in
            try world.signIn()
            let before = world.tokens.grants.count
            let base = world.lab.reference("base/busybox:1")
            let result = try await world.push(to: world.lab.reference("team/app:1"), from: base)
            #expect(result.status == 0, "\(result)")
            #expect(result.errors.contains("mounted from base/busybox"), "\(result)")
            let scopes = world.grants(since: before).map(\.scopes)
            // The target stands first: some servers read one scope only.
            let both = ["repository:team/app:pull,push", "repository:base/busybox:pull"]
            #expect(scopes.contains(both), "\(scopes)")
            #expect(scopes.contains(["repository:base/busybox:pull"]), "\(scopes)")
            #expect(!scopes.contains { $0.contains { $0.hasPrefix("repository:base/busybox") && $0.contains("push") } })
        }
    }

    @Test func strangersMayReadOnly() async throws {
        try await Self.with { world in
            let before = world.tokens.grants.count
            let base = world.lab.reference("base/busybox:1")
            let inspect = try await world.lab.imgbuild(["inspect", base])
            #expect(inspect.status == 0, "\(inspect)")
            #expect(world.grants(since: before).map(\.user) == [nil])
            let push = try await world.push(to: world.lab.reference("team/app:1"), from: base)
            #expect(push.status == 3, "\(push)")
            #expect(push.errors.contains("imgbuild login \(world.lab.registry.host)"), "\(push)")
        }
    }

    @Test func doctorListsWhatIsGranted() async throws {
        try await Self.with { world in
            let image = world.lab.reference("base/busybox:1")
            let stranger = try await world.lab.imgbuild(["doctor", "--push", image])
            #expect(stranger.status == 1, "\(stranger)")
            #expect(stranger.output.contains("pull granted on base/busybox; asked for pull,push"), "\(stranger)")
            let reader = try await world.lab.imgbuild(["doctor", image])
            #expect(reader.output.contains("pull granted on base/busybox\n"), "\(reader)")
            try world.signIn()
            let friend = try await world.lab.imgbuild(["doctor", "--push", image])
            #expect(friend.status == 0, "\(friend)")
            #expect(friend.output.contains("pull,push granted on base/busybox\n"), "\(friend)")
            #expect(friend.output.contains("allowed: an upload was opened and cancelled"), "\(friend)")
            for grant in world.tokens.grants { #expect(!friend.output.contains(grant.token)) }
        }
    }

    /// Twice the same answer is an answer.
    @Test func accountWithoutTheRightIsTold() async throws {
        let readers: TokenServer.Policy = { _, repository, actions in
            repository.hasPrefix("base/") ? actions : actions.filter { $0 == "pull" }
        }
        try await Self.with(policy: readers) { world in
            try world.signIn()
            let before = world.tokens.grants.count
            // One request at a time: how many ask before the first is refused would be a matter of luck.
            let result = try await world.push(
                ["--registry-concurrency", "1"],
                to: world.lab.reference("team/app:1"),
                from: world.lab.reference("base/busybox:1")
            )
            #expect(result.status == 3, "\(result)")
            #expect(result.errors.contains("identity: me"), "\(result)")
            #expect(result.errors.contains("may not"), "\(result)")
            #expect(world.grants(since: before).count < 8)
        }
    }

    /// The server says 300 seconds, the token dies while the first blob waits to be sent.
    @Test func tokenThatDiesDuringAPushIsRenewed() async throws {
        try await Self.with(life: 3) { world in
            let isHeld = Flag()
            let relay = try Relay(to: world.lab.registry.port) { bytes in
                guard bytes.starts(with: Array("PUT ".utf8)), !isHeld.set(true) else { return }
                pause(seconds: 4)
            }
            defer { relay.stop() }
            let host = "127.0.0.1:\(relay.port)"
            try world.signIn(to: host)
            let before = world.tokens.grants.count
            let result = try await world.push(to: "\(host)/team/app:1", from: "scratch")
            #expect(result.status == 0, "\(result)")
            #expect(isHeld.value)
            let pushes = world.grants(since: before).filter { $0.scopes == ["repository:team/app:pull,push"] }
            #expect(pushes.count >= 2, "\(pushes)")
        }
    }

    /// A pull goes on without credentials, a push doesn't.
    @Test(arguments: [false, true]) func helperThatFailsIsNamed(_ isMissing: Bool) async throws {
        try await Self.with { world in
            let lab = world.lab
            try lab.scratch.write("docker/config.json", "{\"credsStore\":\"test\"}")
            if !isMissing {
                let script = ["#!/bin/sh", "echo 'the vault is sealed' >&2", "echo 'no answer'", "exit 1", ""]
                try lab.scratch.write("bin/docker-credential-test", script.joined(separator: "\n"), mode: 0o755)
            }
            let expected =
                isMissing
                ? ["docker-credential-test not found in PATH", lab.scratch["docker/config.json"]]
                : ["docker-credential-test failed", "no answer", "the vault is sealed"]
            let path = ["PATH": "\(lab.scratch["bin"]):/usr/bin:/bin"]
            let context = try lab.context(from: lab.reference("base/busybox:1"))
            let result = "type=oci,dest=\(lab.scratch["out.tar"])"
            let pull = try await lab.imgbuild(["--platform", "linux/amd64", "-o", result, context], environment: path)
            #expect(pull.status == 0, "\(pull)")
            #expect(pull.errors.contains("warning: docker-credential-test"), "\(pull)")
            for text in expected { #expect(pull.errors.contains(text), "\(text) \(pull)") }
            let push = try await lab.imgbuild(
                ["--platform", "linux/amd64", "-t", lab.reference("team/app:1"), "--push", context],
                environment: path
            )
            #expect(push.status == 3, "\(push)")
            for text in expected { #expect(push.errors.contains(text), "\(text) \(push)") }
        }
    }
}
