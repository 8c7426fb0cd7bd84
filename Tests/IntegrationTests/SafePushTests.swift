import ImgOCI
import ImgTestKit
import Testing

/// Tags move last, only to what the registry gives back, and what one registry refuses is no matter of another.
@Suite struct SafePushTests {
    private typealias Fault = @Sendable (ServerExchange) throws -> ServerResponse?

    /// A front of the lab's registry that answers some requests by itself.
    private static func front(_ lab: Lab, _ fault: @escaping Fault) throws -> ScriptedServer {
        let upstream = Upstream(lab.registry.host)
        return try ScriptedServer { exchange in try fault(exchange) ?? upstream.forward(exchange) }
    }

    private static func with(_ body: @Sendable @escaping (Lab) async throws -> Void) async throws {
        try await Lab.with { lab in
            _ = try lab.context()
            try await body(lab)
        }
    }

    private static func push(
        _ lab: Lab,
        _ tags: [String],
        platforms: String = "linux/amd64",
        options: [String] = []
    ) async throws -> ProgramResult {
        let named = tags.flatMap { ["-t", $0] }
        return try await lab.imgbuild(
            ["--debug", "--platform", platforms, "--push"] + named + options + [lab.scratch["context"]]
        )
    }

    /// Requests for manifests of a repository: method and what it asks for, without the digests' digits.
    private static func requests(_ result: ProgramResult, _ repository: String) -> [String] {
        result.errors.split(separator: "\n").map(String.init)
            .compactMap { line in
                guard line.hasPrefix("debug: "), let range = line.firstRange(of: "/v2/\(repository)/manifests/"),
                    let method = ["GET", "HEAD", "PUT"].first(where: { line.contains("\($0) http://") })
                else { return nil }
                let name = line[range.upperBound...].prefix { $0 != " " && $0 != ":" && $0 != "," }
                return "\(method) \(name)"
            }
    }

    @Test(arguments: ["linux/amd64", "linux/amd64,linux/arm64"])
    func whatComesBackChangedGetsNoTag(_ platforms: String) async throws {
        try await Self.with { lab in
            // Only the root comes back with other bytes.
            let server = try Self.front(lab) { exchange in
                guard exchange.method == "GET", exchange.isManifestByDigest else { return nil }
                var answer = try Upstream(lab.registry.host).forward(exchange)
                let isIndex = String(decoding: answer.body, as: UTF8.self).contains("\"manifests\"")
                guard isIndex == platforms.contains(",") else { return answer }
                answer.body = answer.body.map { $0 == UInt8(ascii: "2") ? UInt8(ascii: "3") : $0 }
                return answer
            }
            defer { server.stop() }
            let image = "\(server.authority)/safe/app:1"
            let result = try await Self.push(lab, [image], platforms: platforms)
            #expect(result.status == 6, "\(result)")
            #expect(result.errors.contains("back as it was pushed; the tag was not moved"), "\(result)")
            #expect(try await !lab.exists("safe/app:1"))
            let trusting = try await Self.push(lab, [image], platforms: platforms, options: ["--verify=off"])
            #expect(trusting.status == 0, "\(trusting)")
            #expect(try await lab.exists("safe/app:1"))
        }
    }

    /// What it costs, in requests: a look, the PUT and the GET by digest, once for each manifest.
    @Test func aPushIsReadBackBeforeItsTagMoves() async throws {
        try await Self.with { lab in
            let first = try await Self.push(lab, [lab.reference("safe/one:1")])
            #expect(first.status == 0, "\(first)")
            let seen = Self.requests(first, "safe/one")
            #expect(seen == ["GET 1", "HEAD sha256", "PUT sha256", "GET sha256", "HEAD 1", "PUT 1"], "\(first)")
            let again = try await Self.push(lab, [lab.reference("safe/one:1")])
            #expect(Self.requests(again, "safe/one") == ["GET 1", "HEAD 1"], "\(again)")
            let tagged = try await Self.push(lab, [lab.reference("safe/one:2"), lab.reference("safe/one:1")])
            #expect(
                Self.requests(tagged, "safe/one") == ["GET 2", "GET 1", "HEAD 2", "PUT 2", "HEAD 1"],
                "\(tagged)"
            )
            let unread = try await Self.push(lab, [lab.reference("safe/other:1")], options: ["--verify=off"])
            #expect(Self.requests(unread, "safe/other") == ["GET 1", "HEAD 1", "PUT 1"], "\(unread)")
        }
    }

    /// PUSH-39; within one registry no tag moves (PUSH-2).
    @Test(arguments: ["blobs/uploads/", "manifests/sha256:", "manifests/1"])
    func oneRegistryFailsForItself(_ part: String) async throws {
        try await Self.with { lab in
            let server = try Self.front(lab) { exchange in
                guard exchange.method == "POST" || exchange.method == "PUT",
                    exchange.path.contains("/v2/safe/bad/\(part)")
                else { return nil }
                try exchange.discardBody()
                return .failure(403, "DENIED")
            }
            defer { server.stop() }
            let good = lab.reference("safe/good:1")
            let (bad, beside) = ("\(server.authority)/safe/bad:1", "\(server.authority)/safe/beside:1")
            let result = try await Self.push(lab, [bad, good, beside], platforms: "linux/amd64,linux/arm64")
            #expect(result.status == 3, "\(result)")
            #expect(try await lab.exists("safe/good:1"))
            #expect(try await !lab.exists("safe/bad:1"))
            #expect(try await !lab.exists("safe/beside:1"), "a tag moved although its registry has failed")
            #expect(result.errors.contains("already pushed: \(good)\n"), "\(result)")
            #expect(result.errors.contains("not pushed: \(bad), \(beside)\n"), "\(result)")
            // The good one as before, nothing else.
            #expect(try await lab.digest(of: good).hasPrefix("sha256:"))
        }
    }

    /// What can't be pushed to at all is known before anything is sent.
    @Test func everyRepositoryIsAskedFirst() async throws {
        try await Self.with { lab in
            let server = try Self.front(lab) { exchange in
                exchange.path.contains("/bad") ? .failure(403, "DENIED") : nil
            }
            defer { server.stop() }
            let (good, bad) = (lab.reference("safe/good:1"), "\(server.authority)/safe/bad:1")
            let also = "\(server.authority)/safe/bad-too:1"
            let result = try await Self.push(lab, [good, bad, also])
            #expect(result.status == 3, "\(result)")
            #expect(result.errors.contains("safe/bad:") && result.errors.contains("safe/bad-too:"), "\(result)")
            #expect(try await !lab.exists("safe/good:1"))
            try await lab.build(["--push", "-t", lab.reference("safe/part:1"), lab.scratch["context"]])
            let joined = try await lab.imgbuild([
                "index", "create", "-t", good, "-t", bad, lab.reference("safe/part:1"),
            ])
            #expect(joined.status == 3, "\(joined)")
            #expect(try await !lab.exists("safe/good:1"), "a tag moved before every repository was asked")
        }
    }
}
