import Glibc
import ImgCredentials
import ImgOCI
import ImgRegistry
import ImgTestKit
import Testing

/// docker-registry verifies the tokens of a token server: what the client gets and passes on has to be right.
@Suite(.timeLimit(.minutes(2))) struct SignedTokenTests {
    enum Algorithm: String, Sendable, CaseIterable {
        case rs256 = "RS256"
        case es256 = "ES256"

        var keyArguments: [String] {
            self == .rs256 ? ["-newkey", "rsa:2048"] : ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        }
    }

    @Test(arguments: Algorithm.allCases)
    func pushesWithSignedTokens(_ algorithm: Algorithm) async throws {
        try await Scratch.with { scratch in
            let (key, certificate) = (scratch["key.pem"], scratch["cert.pem"])
            try await Program.output(
                "openssl",
                ["req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=issuer", "-keyout", key, "-out", certificate]
                    + algorithm.keyArguments
            )
            let rights = try await token(algorithm, scratch, access: "[\"pull\",\"push\"]")
            let realm = try ScriptedServer { exchange in
                // "me:pw", for exactly the rights of a push.
                guard exchange["Authorization"] == "Basic bWU6cHc=",
                    exchange.target.contains("scope=repository%3Ateam%2Fapp%3Apull%2Cpush"),
                    exchange.target.contains("service=test-registry")
                else { return ServerResponse(401) }
                return ServerResponse(200, text: "{\"token\":\"\(rights)\",\"expires_in\":300}")
            }
            let extra = """
                auth:
                  token:
                    realm: \(realm.url)/token
                    service: test-registry
                    issuer: test-issuer
                    rootcertbundle: \(certificate)
                """
            try await TestRegistry.with(in: scratch, extra: extra) { registry in
                let test = TestClient(credentials: [registry.host: .basic(user: "me", password: Secret("pw"))])
                let remote = try test.push(registry.host)
                let layer = Sample.blob(400_000)
                let manifest = try await remote.push(layer, tag: "v1")
                #expect(try await remote.resolve(.tag("v1")).descriptor.digest == manifest.descriptor.digest)
                #expect(realm.requests.count { $0.method == "GET" } == 1)
                #expect(!test.events.lines.contains { $0.contains(rights) })
                // The token is good for another repository only.
                let other = try await failure {
                    _ = try await test.push(registry.host, "team/other").push(layer, tag: "v1")
                }
                #expect(other.code == .unauthorized)
            }
        }
    }

    private func token(_ algorithm: Algorithm, _ scratch: Scratch, access: String) async throws -> String {
        let der = try await Program.output(
            "sh",
            ["-c", "openssl x509 -in \(scratch["cert.pem"]) -outform der | openssl base64 -A"]
        )
        let now = time(nil)
        let header = "{\"typ\":\"JWT\",\"alg\":\"\(algorithm.rawValue)\",\"x5c\":[\"\(der)\"]}"
        let claims = """
            {"iss":"test-issuer","sub":"me","aud":"test-registry","exp":\(now + 300),"nbf":\(now - 60),"iat":\(now - 60),\
            "jti":"1","access":[{"type":"repository","name":"team/app","actions":\(access)}]}
            """
        let signed = "\(Self.url(Array(header.utf8))).\(Self.url(Array(claims.utf8)))"
        let command = "openssl dgst -sha256 -sign \(scratch["key.pem"]) | openssl base64 -A"
        let text = try await Program.output("sh", ["-c", command], input: signed)
        var signature = try #require(Base64.decode(text))
        if algorithm == .es256 { signature = try Self.raw(signature) }
        return "\(signed).\(Self.url(signature))"
    }

    /// Base64 for URLs, without padding.
    private static func url(_ bytes: [UInt8]) -> String {
        String(
            Base64.encode(bytes)
                .compactMap { character in
                    switch character {
                    case "+": "-"
                    case "/": "_"
                    case "=": nil
                    default: character
                    }
                }
        )
    }

    /// The two numbers of a DER signature, 32 bytes each.
    private static func raw(_ der: [UInt8]) throws -> [UInt8] {
        var rest = der.dropFirst(2)
        var out: [UInt8] = []
        for _ in 0..<2 {
            let length = Int(try #require(rest.dropFirst().first))
            let number = rest.dropFirst(2).prefix(length).drop { $0 == 0 }
            out += [UInt8](repeating: 0, count: 32 - number.count) + number
            rest = rest.dropFirst(2 + length)
        }
        return out
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
            let port = try Server.freePort()
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
