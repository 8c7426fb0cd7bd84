import ImgCredentials
import ImgOCI
import ImgRegistry
import ImgTestKit
import Testing

/// docker-registry verifies the tokens of a token server: what the client gets and passes on has to be right.
@Suite(.timeLimit(.minutes(2))) struct SignedTokenTests {
    @Test(arguments: TokenServer.Algorithm.allCases)
    func pushesWithSignedTokens(_ algorithm: TokenServer.Algorithm) async throws {
        try await Scratch.with { scratch in
            let tokens = try await TokenServer(
                in: scratch,
                algorithm,
                accounts: ["me": "pw"],
                policy: { _, repository, actions in repository == "team/app" ? actions : [] }
            )
            defer { tokens.stop() }
            try await TestRegistry.with(in: scratch, extra: tokens.registryConfiguration) { registry in
                let test = TestClient(credentials: [registry.host: .basic(user: "me", password: Secret("pw"))])
                let remote = try test.push(registry.host)
                let layer = Sample.blob(400_000)
                let manifest = try await remote.push(layer, tag: "v1")
                #expect(try await remote.resolve(.tag("v1")).descriptor.digest == manifest.descriptor.digest)
                #expect(tokens.grants.map(\.scopes) == [["repository:team/app:pull,push"]])
                // A token for nothing is no use, and asking again changes nothing.
                let other = try await failure {
                    _ = try await test.push(registry.host, "team/other").push(layer, tag: "v1")
                }
                #expect(other.code == .denied)
                for grant in tokens.grants { #expect(!test.events.lines.contains { $0.contains(grant.token) }) }
            }
        }
    }

    @Test func grantsAreReadOffTheToken() async throws {
        try await Scratch.with { scratch in
            let tokens = try await TokenServer(in: scratch, accounts: ["me": "pw"])
            defer { tokens.stop() }
            try await TestRegistry.with(in: scratch, extra: tokens.registryConfiguration) { registry in
                let stranger = TestClient()
                let reference = try ImageReference(parsing: "\(registry.host)/team/app")
                #expect(try await stranger.client.grant(reference, for: .push) == nil, "nothing was asked for yet")
                _ = try? await stranger.pull(registry.host).resolve(.tag("v1"))
                let grant = try await stranger.client.grant(reference, for: .push)
                #expect(grant?.asked.description == "repository:team/app:pull,push")
                #expect(grant?.granted == ["pull"])
            }
        }
    }
}

/// docker-registry behind TLS with a certificate of its own.
@Suite(.timeLimit(.minutes(2))) struct TLSTests {
    private func with(
        _ body: @Sendable @escaping (_ host: String, _ certificate: String) async throws -> Void
    ) async throws {
        try await Scratch.with { scratch in
            let (key, certificate) = (scratch["key.pem"], scratch["cert.pem"])
            try await Program.output(
                "openssl",
                [
                    "req", "-x509", "-nodes", "-days", "2", "-newkey", "rsa:2048", "-subj", "/CN=test", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate,
                ]
            )
            let port = try ServerSocket.freePort()
            let config = """
                version: 0.1
                log: {level: warn, accesslog: {disabled: true}}
                storage: {filesystem: {rootdirectory: "\(scratch["data"])"}}
                http: {addr: "127.0.0.1:\(port)", tls: {certificate: "\(certificate)", key: "\(key)"}}
                """
            let path = try scratch.write("tls.yml", config)
            try await Server.with("docker-registry", ["serve", path], port: port) {
                try await body("127.0.0.1:\(port)", certificate)
            }
        }
    }

    @Test func trustsAGivenAuthority() async throws {
        try await with { host, certificate in
            var hosts = HostSettings.bare()
            hosts.certificateAuthorities = [.init(host: host, path: certificate)]
            let test = TestClient(hosts: hosts)
            _ = try await test.push(host).push(.blob(100_000), tag: "v1")
            #expect(!test.events.lines.contains { $0.contains("trying another way") })
        }
    }

    /// Loopback gives up verification, as the daemons do; other hosts never do (SCH-3, SCH-4).
    @Test func loopbackNeedsNoAuthority() async throws {
        try await with { host, _ in
            let test = TestClient()
            _ = try await test.push(host).push(.blob(1000), tag: "v1")
            #expect(test.events.lines.contains { $0.contains("trying another way") })
        }
    }

    @Test func refusesAFileWithoutCertificates() async throws {
        try await Scratch.with { scratch in
            var hosts = HostSettings.bare()
            hosts.certificateAuthorities = [.init(path: try scratch.write("ca.pem", "nonsense"))]
            let error = try await failure { _ = try await TestClient(hosts: hosts).pull("127.0.0.1:1").tags() }
            #expect(error.code == .configuration)
            #expect(error.reason.contains("holds no PEM certificate"))
        }
    }
}
