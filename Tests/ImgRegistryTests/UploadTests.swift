import ImgCredentials
import ImgOCI
import ImgRegistry
import ImgReport
import ImgTasks
import ImgTestKit
import Synchronization
import Testing

/// Registries that make uploading hard (TEST-2).
@Suite(.timeLimit(.minutes(1))) struct UploadTests {
    private let blob = Sample.blob(200_000)

    private func upload(
        _ registry: FakeRegistry,
        _ blob: Sample? = nil,
        test: TestClient = TestClient()
    ) async throws -> PushOutcome {
        let blob = blob ?? self.blob
        let remote = try test.push(registry.host)
        return try await remote.upload(blob.descriptor, body: .bytes(blob.bytes))
    }

    /// How far a blob is, once a second.
    @Test func progressIsTold() async throws {
        let registry = try FakeRegistry { exchange, _ in
            guard exchange.method == "PUT", exchange.isSession else { return .standard }
            pause(seconds: 2.2)
            return .standard
        }
        let blob = Sample.blob(30_000_000)
        let test = TestClient()
        try await test.push(registry.host).upload(blob.descriptor, body: .bytes(blob.bytes))
        let sent = test.events.all.compactMap { event -> Int64? in
            if case .blob(let blob) = event, case .uploading(let sent) = blob.state { sent } else { nil }
        }
        #expect(sent.first == 0)
        #expect(sent.dropFirst().contains { $0 > 0 && $0 <= blob.descriptor.size }, "\(sent)")
    }

    @Test func takesThreeRequests() async throws {
        let registry = try FakeRegistry()
        #expect(try await upload(registry) == .uploaded(bytes: 200_000))
        #expect(registry.requests.map(\.method) == ["HEAD", "POST", "PUT"])
        #expect(registry.requests.allSatisfy { $0["Transfer-Encoding"] == nil && $0["Expect"] == nil })
        #expect(registry.requests[1]["Content-Length"] == "0")
        #expect(registry.content.blob(blob.descriptor.digest) == blob.bytes)
    }

    @Test(arguments: [404, 405, 411, 413, 415])
    func fallsBackToPatch(_ status: Int) async throws {
        let registry = try FakeRegistry { exchange, _ in
            guard exchange.method == "PUT", exchange.isSession, exchange["Content-Length"] != "0" else {
                return .standard
            }
            try exchange.discardBody()
            return .response(answer(status, status == 404 ? "BLOB_UPLOAD_UNKNOWN" : "UNSUPPORTED"))
        }
        let test = TestClient()
        #expect(try await upload(registry, test: test) == .uploaded(bytes: 200_000))
        #expect(registry.count("PATCH", containing: "/uploads/") == 1)
        // The next blob starts with what has worked.
        #expect(try await upload(registry, .blob(100, seed: 9), test: test) == .uploaded(bytes: 100))
        #expect(registry.count("PUT", containing: "/uploads/") == 3)
    }

    @Test func fallsBackToChunks() async throws {
        let large = Sample.blob(17 << 20)
        let registry = try FakeRegistry { exchange, _ in
            guard exchange.isSession, let length = exchange["Content-Length"].flatMap({ Int($0) }), length > 10 << 20
            else {
                return .standard
            }
            return .response(answer(413, "", ""))
        }
        #expect(try await upload(registry, large) == .uploaded(bytes: 17 << 20))
        let parts = registry.requests.compactMap { $0["Content-Range"] }
        #expect(parts == ["0-8388607", "8388608-16777215", "16777216-17825791"])
        #expect(registry.content.blob(large.descriptor.digest) == large.bytes)
    }

    /// A registry that takes parts only; `part` answers them.
    private func registryOfParts(_ part: @escaping FakeRegistry.Override) throws -> FakeRegistry {
        try FakeRegistry { exchange, content in
            guard exchange.isSession else { return .standard }
            if exchange.method == "GET" || exchange["Content-Range"] != nil { return try part(exchange, content) }
            guard let length = exchange["Content-Length"].flatMap({ Int($0) }), length > 10 << 20 else {
                return .standard
            }
            return .response(answer(413, ""))
        }
    }

    @Test func survivesAnOffsetThatCannotBe() async throws {
        let large = Sample.blob(17 << 20)
        let registry = try registryOfParts { exchange, content in
            var reply = try content.answer(exchange)
            reply.headers = [("Range", "0-9223372036854775807")]
            return .response(reply)
        }
        #expect(try await upload(registry, large) == .uploaded(bytes: 17 << 20))
    }

    @Test(arguments: ["0-99999999999", "0-9223372036854775806"])
    func refusesToContinueBeyondTheBlob(_ range: String) async throws {
        let registry = try registryOfParts { exchange, _ in
            if exchange.method == "GET" { return .response(ServerResponse(204, headers: [("Range", range)])) }
            try exchange.discardBody()
            return .response(answer(416, "BLOB_UPLOAD_INVALID"))
        }
        let error = try await failure { _ = try await upload(registry, .blob(17 << 20)) }
        #expect(error.code == .uploadUnknown)
        #expect(error.reason.contains("bytes that were not sent"), "\(error)")
    }

    @Test func honoursTheLeastChunk() async throws {
        let large = Sample.blob(11 << 20)
        let registry = try FakeRegistry { exchange, content in
            if exchange.method == "POST" {
                let headers = [
                    ("Location", content.open(under: exchange.path)), ("OCI-Chunk-Min-Length", "\(10 << 20)"),
                ]
                return .response(ServerResponse(202, headers: headers))
            }
            guard exchange.isSession, exchange["Content-Range"] == nil else { return .standard }
            return .response(answer(413, ""))
        }
        _ = try await upload(registry, large)
        #expect(registry.requests.compactMap { $0["Content-Range"] }.first == "0-10485759")
    }

    @Test func continuesWhereTheRegistryStopped() async throws {
        let large = Sample.blob(6 << 20)
        let registry = try FakeRegistry { exchange, content in
            guard exchange.method == "PUT", exchange.isSession, content.tick("put") == 1 else { return .standard }
            var kept: [UInt8] = []
            while kept.count < 4 << 20 { kept += try exchange.readBody() }
            content.state.withLock { $0.sessions[exchange.last] = kept }
            exchange.reset()
            return .done
        }
        #expect(try await upload(registry, large) == .uploaded(bytes: 6 << 20))
        #expect(registry.content.blob(large.descriptor.digest) == large.bytes)
        let parts = registry.requests.compactMap { $0["Content-Range"] }
        let isContinued = parts.count == 1 && parts[0].hasSuffix("-6291455") && !parts[0].hasPrefix("0-")
        #expect(isContinued, "\(parts) \(registry.requests.map(\.target))")
    }

    @Test func noticesThatALostReplyWasASuccess() async throws {
        let registry = try FakeRegistry { exchange, content in
            guard exchange.method == "PUT", exchange.isSession else { return .standard }
            _ = try content.answer(exchange)
            exchange.reset()
            return .done
        }
        #expect(try await upload(registry) == .uploaded(bytes: 200_000))
        #expect(registry.count("PUT", containing: "/uploads/") == 1)
    }

    @Test func startsOverAfterAServerError() async throws {
        let registry = try FakeRegistry { exchange, content in
            guard exchange.method == "PUT", exchange.isSession, content.tick("put") < 3 else { return .standard }
            return .response(ServerResponse(503))
        }
        let test = TestClient()
        #expect(try await upload(registry, test: test) == .uploaded(bytes: 200_000))
        #expect(registry.count("POST", containing: "/uploads/") == 3)
        #expect(test.waits.all.count == 2)
    }

    @Test func followsAMovingSession() async throws {
        let registry = try FakeRegistry { exchange, content in
            if exchange.method == "PUT", exchange["Content-Length"] != "0" { return .response(answer(405, "")) }
            guard exchange.method == "PATCH" else { return .standard }
            let body = try exchange.body()
            content.state.withLock { $0.sessions["moved"] = body }
            return .response(ServerResponse(202, headers: [("Location", "moved?_state=a%2Fb%3D%3d")]))
        }
        #expect(try await upload(registry) == .uploaded(bytes: 200_000))
        #expect(registry.count("PUT", containing: "/v2/team/app/blobs/uploads/moved?_state") == 1)
    }

    @Test func sendsNoCredentialsToAnotherOrigin() async throws {
        let storage = try FakeRegistry()
        let registry = try FakeRegistry { exchange, _ in
            guard exchange["Authorization"] == "Basic bWU6cHc=" else {
                return .response(answer(401, "UNAUTHORIZED", headers: [("WWW-Authenticate", "Basic realm=\"x\"")]))
            }
            guard exchange.method == "POST" else { return .standard }
            let url = "\(storage.server.url)\(storage.content.open(under: "/v2/s/blobs/uploads/"))"
            return .response(ServerResponse(202, headers: [("Location", url)]))
        }
        let test = TestClient(credentials: [registry.host: .basic(user: "me", password: Secret("pw"))])
        #expect(try await upload(registry, test: test) == .uploaded(bytes: 200_000))
        #expect(storage.requests.count == 1)
        #expect(storage.requests.allSatisfy { $0["Authorization"] == nil })
    }

    @Test func refusesAnInternalLocation() async throws {
        // The registry is on loopback and may point inside; a name with a user or another scheme is refused still.
        for location in ["file:///etc/passwd", "http://u:p@127.0.0.1:1/x"] {
            let registry = try FakeRegistry { exchange, _ in
                exchange.method == "POST"
                    ? .response(ServerResponse(202, headers: [("Location", location)])) : .standard
            }
            let error = try await failure { _ = try await upload(registry) }
            #expect([.blocked, .protocol].contains(error.code), "\(error)")
        }
    }

    @Test func usesTheSessionThatARefusedMountLeaves() async throws {
        let registry = try FakeRegistry()
        let remote = try TestClient().push(registry.host)
        let outcome = try await remote.upload(
            blob.descriptor,
            body: .bytes(blob.bytes),
            hints: UploadHints(mountSources: ["team/base"])
        )
        #expect(outcome == .uploaded(bytes: 200_000))
        #expect(registry.count("POST", containing: "/uploads/") == 1)
        #expect(registry.requests[1].target.hasSuffix("&from=team%2Fbase"))
    }

    @Test(arguments: [401, 403, 404, 405, 500])
    func uploadsWhenAMountIsRefused(_ status: Int) async throws {
        let registry = try FakeRegistry { exchange, _ in
            exchange.value("mount") != nil ? .response(answer(status, "DENIED")) : .standard
        }
        let remote = try TestClient().push(registry.host)
        let hints = UploadHints(mountSources: ["team/base"])
        #expect(
            try await remote.upload(blob.descriptor, body: .bytes(blob.bytes), hints: hints)
                == .uploaded(bytes: 200_000)
        )
    }

    @Test func uploadsThoughHeadsAreForbidden() async throws {
        let registry = try FakeRegistry { exchange, _ in
            exchange.method == "HEAD" ? .response(ServerResponse(403)) : .standard
        }
        let test = TestClient()
        for seed in 1...4 { _ = try await upload(registry, .blob(100, seed: UInt8(seed)), test: test) }
        #expect(registry.count("HEAD", containing: "/blobs/") == 2)
    }

    @Test func refusesAWrongDigestInTheReply() async throws {
        let registry = try FakeRegistry { exchange, content in
            guard exchange.method == "PUT" else { return .standard }
            var reply = try content.answer(exchange)
            reply.headers = [("Docker-Content-Digest", Sample.blob(1).descriptor.digest.description)]
            return .response(reply)
        }
        let error = try await failure { _ = try await upload(registry) }
        #expect(error.code == .digestMismatch)
    }

    @Test func checksAnOddSuccess() async throws {
        let registry = try FakeRegistry { exchange, content in
            guard exchange.method == "PUT" else { return .standard }
            var reply = try content.answer(exchange)
            reply.status = 202
            return .response(reply)
        }
        #expect(try await upload(registry) == .uploaded(bytes: 200_000))
        #expect(registry.requests.last?.method == "HEAD")
    }

    @Test func sharesOneUploadBetweenCallers() async throws {
        let registry = try FakeRegistry()
        let remote = try TestClient().push(registry.host)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<6 { group.addTask { _ = try await remote.upload(blob.descriptor, body: .bytes(blob.bytes)) } }
            try await group.waitForAll()
        }
        #expect(registry.requests.count == 3)
    }

    @Test func createsAMissingRepository() async throws {
        let registry = try FakeRegistry { exchange, content in
            guard exchange.method == "POST", content.tick("post") < 3 else { return .standard }
            return .response(answer(404, "NAME_UNKNOWN"))
        }
        let test = TestClient { options in options.createRepository = { _, path in path == "team/app" } }
        #expect(try await upload(registry, test: test) == .uploaded(bytes: 200_000))
        #expect(test.events.lines.contains { $0.hasPrefix("created the repository") })
        let plain = try FakeRegistry { exchange, _ in
            exchange.method == "POST" ? .response(answer(404, "NAME_UNKNOWN")) : .standard
        }
        let error = try await failure { _ = try await upload(plain) }
        #expect(error.code == .repositoryUnknown)
        #expect(error.buildError.code == .notFound)
        #expect(plain.count("POST", containing: "/uploads/") == 1)
    }

    @Test func givesUpInTheEnd() async throws {
        let registry = try FakeRegistry { exchange, _ in
            exchange.method == "PUT" ? .response(ServerResponse(500)) : .standard
        }
        let error = try await failure { _ = try await upload(registry) }
        #expect(error.code == .unavailable)
        #expect(error.attempts == 5)
        #expect(registry.count("PUT", containing: "/uploads/") == 5)
    }

    @Test func namesTheProxyThatRefusesTheSize() async throws {
        let registry = try FakeRegistry { exchange, _ in
            guard ["PUT", "PATCH"].contains(exchange.method) else { return .standard }
            return .response(
                ServerResponse(413, headers: [("Server", "nginx/1.2")], text: "<html><title>413 Too Large</title>")
            )
        }
        let error = try await failure { _ = try await upload(registry, test: TestClient { $0.retry.attempts = 1 }) }
        #expect(error.code == .tooLarge)
        #expect(error.buildError.diagnostics[0].notes.contains("answered by \"nginx/1.2\""))
        #expect(error.buildError.code == .refused)
    }
}
