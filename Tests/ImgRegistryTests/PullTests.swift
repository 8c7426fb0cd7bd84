import ImgCredentials
import ImgOCI
import ImgRegistry
import ImgReport
import ImgTasks
import ImgTestKit
import Synchronization
import Testing

/// Registries that lie or break off (TEST-4).
@Suite(.timeLimit(.minutes(1))) struct PullTests {
    private let image = Sample.image(layer: .blob(100)).manifest
    private let amd64 = Platform(os: "linux", architecture: "amd64")

    private func registry(_ override: @escaping FakeRegistry.Override) throws -> FakeRegistry {
        let registry = try FakeRegistry(override)
        registry.content.add(image, as: "v1")
        return registry
    }

    private func read(_ registry: FakeRegistry, _ blob: Sample) async throws -> [UInt8] {
        try await TestClient().pull(registry.host).blob(blob.descriptor, limit: 64 << 20)
    }

    @Test(arguments: ["", "text/plain", "application/json", "application/vnd.oci.image.manifest.v1+json;charset=utf-8"])
    func decidesTheKindWithoutAContentType(_ type: String) async throws {
        let image = image
        let registry = try registry { exchange, _ in
            .response(ServerResponse(200, headers: type.isEmpty ? [] : [("Content-Type", type)], body: image.bytes))
        }
        let fetched = try await TestClient().pull(registry.host).resolve(.tag("v1"))
        #expect(fetched.descriptor == image.descriptor)
        let accept = registry.requests[0]["Accept"]
        #expect(accept?.hasPrefix("application/vnd.oci.image.index.v1+json, application/vnd.docker") == true)
    }

    @Test func getsWhenHeadIsNotOffered() async throws {
        let registry = try registry { exchange, _ in
            exchange.method == "HEAD" ? .response(ServerResponse(405)) : .standard
        }
        #expect(try await TestClient().pull(registry.host).headManifest(.tag("v1"))?.digest == image.descriptor.digest)
    }

    @Test func trustsTheContentNotTheHeader() async throws {
        let image = image
        let registry = try registry { _, _ in
            .response(
                ServerResponse(
                    200,
                    headers: [
                        ("Docker-Content-Digest", Sample.blob(1).descriptor.digest.description),
                        ("Content-Type", MediaType.ociManifest.rawValue),
                    ],
                    body: image.bytes
                )
            )
        }
        #expect(
            try await TestClient().pull(registry.host).resolve(.tag("v1")).descriptor.digest == image.descriptor.digest
        )
    }

    @Test func refusesAnotherManifestThanAskedFor() async throws {
        let other = Sample.image(layer: .blob(3)).manifest
        let registry = try registry { _, _ in .response(ServerResponse(200, body: other.bytes)) }
        let remote = try TestClient().pull(registry.host)
        let error = try await failure { _ = try await remote.resolve(.digest(image.descriptor.digest)) }
        #expect(error.code == .digestMismatch)
        #expect(error.reason.contains(other.descriptor.digest.description))
    }

    @Test(arguments: [
        ("{\"schemaVersion\":1,\"name\":\"x\"}", "schema 1"),
        ("{\"schemaVersion\":2,\"manifests\":[],\"layers\":[]}", "both"),
        ("{\"schemaVersion\":7}", "schemaVersion"), ("<html>", "web page"), ("no", "JSON"),
        ("{\"schemaVersion\":2,\"schemaVersion\":2}", "twice"),
        (#"{"schemaVersion":2,"manifests":[{"mediaType":"a/b","digest":"x","size":-1}]}"#, "manifests[0]"),
        (#"{"schemaVersion":2,"layers":[],"config":{"mediaType":"a/b","digest":"x","size":1}}"#, "config"),
    ])
    func refusesDocumentsThatAreNoManifest(_ text: String, _ word: String) async throws {
        let registry = try registry { _, _ in .response(ServerResponse(200, text: text)) }
        let error = try await failure { _ = try await TestClient().pull(registry.host).resolve(.tag("v1")) }
        #expect(error.code == .protocol)
        #expect(error.reason.contains(word), "\(error.reason)")
        #expect(error.description.hasPrefix("cannot read tag v1: \(registry.host)/team/app: "))
    }

    /// The gate of a network answers for everybody.
    @Test func knowsAWebPageInPlaceOfAManifest() async throws {
        let page = "\n<!DOCTYPE html><html><head><title>Sign in to the guest network</title></head></html>"
        let registry = try registry { _, _ in
            .response(ServerResponse(200, headers: [("Content-Type", "text/html; charset=utf-8")], text: page))
        }
        let error = try await failure { _ = try await TestClient().pull(registry.host).resolve(.tag("v1")) }
        let cause = "answers with a web page: it is not a container registry (status 200, text/html; charset=utf-8)"
        #expect(error.reason == "\(registry.host) \(cause)")
        #expect(error.buildError.diagnostics[0].notes == ["the server says: \"Sign in to the guest network\""])
        #expect(error.buildError.diagnostics[0].hints.contains { $0.contains("check port and path") })
    }

    @Test func stopsAtTheLimitOfAManifest() async throws {
        let registry = try registry { exchange, _ in
            try exchange.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            let chunk = "10000\r\n" + String(repeating: "x", count: 0x10000) + "\r\n"
            for _ in 0..<200 { try exchange.write(chunk) }
            exchange.close()
            return .done
        }
        let error = try await failure { _ = try await TestClient().pull(registry.host).resolve(.tag("v1")) }
        #expect(error.code == .sizeMismatch)
    }

    @Test(arguments: [Int64.max, 9 << 20])
    func doesNotAskForAManifestBeyondTheLimit(_ size: Int64) async throws {
        let registry = try registry { _, _ in .standard }
        var entry = image.descriptor
        entry.size = size
        let error = try await failure { _ = try await TestClient().pull(registry.host).manifest(entry) }
        #expect(error.code == .tooLarge)
        #expect(error.buildError.diagnostics[0].hints == [])
        #expect(registry.requests.isEmpty)
    }

    @Test func continuesABrokenDownload() async throws {
        let blob = Sample.blob(3 << 20)
        let registry = try registry { exchange, content in
            guard exchange.isBlob, content.tick("get") <= 2 else { return .standard }
            let start = exchange["Range"].flatMap { Int($0.dropFirst(6).dropLast()) } ?? 0
            let status =
                start > 0
                ? "206 P\r\nContent-Range: bytes \(start)-\(blob.bytes.count - 1)/\(blob.bytes.count)" : "200 OK"
            try exchange.write("HTTP/1.1 \(status)\r\nContent-Length: \(blob.bytes.count - start)\r\n\r\n")
            try exchange.write(Array(blob.bytes[start..<(start + (1 << 20))]))
            exchange.close()
            return .done
        }
        registry.content.add(blob)
        #expect(try await read(registry, blob) == blob.bytes)
        #expect(registry.requests.compactMap { $0["Range"] } == ["bytes=1048576-", "bytes=2097152-"])
    }

    @Test func continuesWithoutRanges() async throws {
        let blob = Sample.blob(500_000)
        let registry = try registry { exchange, content in
            guard exchange.isBlob else { return .standard }
            let isFirst = content.tick("get") == 1
            try exchange.write("HTTP/1.1 200 OK\r\nContent-Length: \(blob.bytes.count)\r\n\r\n")
            try exchange.write(Array(blob.bytes[..<(isFirst ? 123_456 : blob.bytes.count)]))
            exchange.close()
            return .done
        }
        #expect(try await read(registry, blob) == blob.bytes)
    }

    @Test func refusesAnotherRange() async throws {
        let blob = Sample.blob(500_000)
        let registry = try registry { exchange, content in
            guard exchange.isBlob else { return .standard }
            if exchange["Range"] != nil {
                return .response(
                    ServerResponse(
                        206,
                        headers: [("Content-Range", "bytes 0-9/500000")],
                        body: Array(blob.bytes[..<10])
                    )
                )
            }
            try exchange.write("HTTP/1.1 200 OK\r\nContent-Length: \(blob.bytes.count)\r\n\r\n")
            try exchange.write(Array(blob.bytes[..<1000]))
            exchange.close()
            return .done
        }
        #expect(try await failure { _ = try await read(registry, blob) }.code == .protocol)
    }

    @Test func detectsFalsifiedBlobs() async throws {
        let blob = Sample.blob(1000)
        let registry = try registry { exchange, _ in
            exchange.isBlob ? .response(ServerResponse(200, body: Sample.blob(1000, seed: 5).bytes)) : .standard
        }
        let error = try await failure { _ = try await read(registry, blob) }
        #expect(error.code == .digestMismatch)
        #expect(error.buildError.code == .network)
        #expect(error.notes == ["1000 bytes sent by \(registry.host)"])
        #expect(registry.count("GET", containing: "/blobs/") == 2, "asked once more")
    }

    /// Damage on the way need not happen twice.
    @Test func readsAFalsifiedBlobOnceMore() async throws {
        let blob = Sample.blob(1000)
        let registry = try registry { exchange, content in
            guard exchange.isBlob, content.tick("get") == 1 else { return .standard }
            return .response(ServerResponse(200, body: Sample.blob(1000, seed: 5).bytes))
        }
        registry.content.add(blob)
        #expect(try await read(registry, blob) == blob.bytes)
    }

    /// Who asks on after an error must not take the blob for complete.
    @Test(arguments: [Sample.blob(1000, seed: 5).bytes, Sample.blob(1000).bytes + [1]])
    func anErrorStaysTheEnd(_ body: [UInt8]) async throws {
        let blob = Sample.blob(1000)
        let registry = try registry { exchange, _ in
            exchange.isBlob ? .response(ServerResponse(200, body: body)) : .standard
        }
        let stream = try TestClient().pull(registry.host).blobStream(blob.descriptor)
        let first = try await failure { while try await stream.next() != nil {} }
        #expect(try await failure { _ = try await stream.next() }.code == first.code)
    }

    @Test func detectsBlobsThatAreTooLong() async throws {
        let blob = Sample.blob(1000)
        let registry = try registry { exchange, _ in
            exchange.isBlob ? .response(ServerResponse(200, body: blob.bytes + [1])) : .standard
        }
        #expect(try await failure { _ = try await read(registry, blob) }.code == .sizeMismatch)
    }

    @Test func givesUpOnBlobsThatStayShort() async throws {
        let blob = Sample.blob(1000)
        let registry = try registry { exchange, _ in
            guard exchange.isBlob else { return .standard }
            let start = exchange["Range"].flatMap { Int($0.dropFirst(6).dropLast()) } ?? 0
            let headers = [("Content-Range", "bytes \(start)-999/1000")]
            return .response(
                ServerResponse(
                    start > 0 ? 206 : 200,
                    headers: start > 0 ? headers : [],
                    body: start > 0 ? [] : Array(blob.bytes[..<500])
                )
            )
        }
        let error = try await failure { _ = try await read(registry, blob) }
        #expect(error.code == .network)
        #expect(error.attempts == 5)
    }

    @Test func followsRedirectsWithoutCredentials() async throws {
        let blob = Sample.blob(2000)
        let storage = try ScriptedServer { exchange in
            exchange["Authorization"] == nil ? ServerResponse(200, body: blob.bytes) : ServerResponse(400)
        }
        let registry = try registry { exchange, _ in
            guard exchange["Authorization"] != nil else {
                return .response(answer(401, "UNAUTHORIZED", headers: [("WWW-Authenticate", "Basic realm=\"x\"")]))
            }
            return exchange.isBlob
                ? .response(ServerResponse(307, headers: [("Location", "\(storage.url)/b?sig=x%2By")])) : .standard
        }
        let test = TestClient(credentials: [registry.host: .basic(user: "me", password: Secret("pw"))])
        #expect(try await test.pull(registry.host).blob(blob.descriptor) == blob.bytes)
        #expect(storage.requests.map(\.target) == ["/b?sig=x%2By"])
    }

    @Test func asksForAFreshAddressWhenOneHasExpired() async throws {
        let blob = Sample.blob(2000)
        let storage = try ScriptedServer { exchange in
            exchange.target == "/1" ? ServerResponse(403) : ServerResponse(200, body: blob.bytes)
        }
        let registry = try registry { exchange, content in
            .response(ServerResponse(307, headers: [("Location", "\(storage.url)/\(content.tick("get"))")]))
        }
        #expect(try await read(registry, blob) == blob.bytes)
        #expect(storage.requests.map(\.target) == ["/1", "/2"])
    }

    @Test func doesNotRedirectForever() async throws {
        let registry = try registry { exchange, content in
            .response(ServerResponse(302, headers: [("Location", "/v2/x/\(content.tick("get") % 3)")]))
        }
        #expect(try await failure { _ = try await read(registry, .blob(10)) }.code == .protocol)
        #expect(registry.requests.count < 12)
    }

    @Test func usesInlineData() async throws {
        let registry = try registry { _, _ in .response(ServerResponse(500)) }
        var descriptor = Sample.blob(50).descriptor
        descriptor.data = Sample.blob(50).bytes
        #expect(try await TestClient().pull(registry.host).blob(descriptor) == Sample.blob(50).bytes)
        #expect(registry.requests.isEmpty)
    }

    /// A test client that reads through mirrors.
    private func reading(
        _ origin: FakeRegistry,
        through mirrors: [FakeRegistry],
        _ scratch: Scratch
    ) throws -> TestClient {
        let tables = mirrors.map { "[host.\"http://\($0.host)\"]\n" }.joined()
        try scratch.write("\(origin.host)/hosts.toml", "server = \"http://\(origin.host)\"\n" + tables)
        var hosts = HostSettings.bare()
        hosts.hostsDirectories = [scratch.path]
        return TestClient(hosts: hosts)
    }

    @Test(arguments: [Sample.blob(1000, seed: 5).bytes, Sample.blob(1000).bytes + [1]])
    func goesPastADamagedCopy(_ copy: [UInt8]) async throws {
        try await Scratch.with { scratch in
            let (blob, other) = (Sample.blob(1000), Sample.blob(10, seed: 9))
            let damaged = try FakeRegistry { exchange, _ in
                exchange.isBlob ? .response(ServerResponse(200, body: copy)) : .standard
            }
            let good = try FakeRegistry()
            let origin = try registry { _, _ in .standard }
            good.content.add(blob)
            origin.content.add(other)
            let test = try reading(origin, through: [damaged, good], scratch)
            let remote = try test.pull(origin.host)
            #expect(try await remote.blob(blob.descriptor) == blob.bytes)
            #expect(good.requests.count == 1)
            #expect(try await remote.blob(other.descriptor) == other.bytes)
            #expect(damaged.requests.count == 1, "it is not asked again")
            #expect(test.events.warnings.count == 1)
            let warning = "mirror \(damaged.host) is not asked any more for \(origin.host): "
            #expect(test.events.warnings.first?.message.hasPrefix(warning) == true)
        }
    }

    @Test func goesPastACopyThatStaysShort() async throws {
        try await Scratch.with { scratch in
            let blob = Sample.blob(1000)
            let short = try FakeRegistry { _, _ in .response(ServerResponse(200, body: Array(blob.bytes[..<500]))) }
            let origin = try registry { _, _ in .standard }
            origin.content.add(blob)
            let test = try reading(origin, through: [short], scratch)
            #expect(try await test.pull(origin.host).blob(blob.descriptor) == blob.bytes)
            #expect(short.requests.count == 5)
            #expect(test.events.warnings.count == 1)
        }
    }

    @Test(arguments: ["another", "<html>"]) func goesPastADamagedManifest(_ text: String) async throws {
        try await Scratch.with { scratch in
            let damaged = try FakeRegistry { _, _ in .response(ServerResponse(200, text: text)) }
            let origin = try registry { _, _ in .standard }
            let test = try reading(origin, through: [damaged], scratch)
            let remote = try test.pull(origin.host)
            #expect(try await remote.resolve(.digest(image.descriptor.digest)).bytes == image.bytes)
            #expect(try await remote.resolve(.tag("v1")).bytes == image.bytes)
            #expect(damaged.requests.count == 1)
        }
    }

    /// A stream has given its bytes away when it ends; who reads it can begin anew.
    @Test func aStreamSaysThatAMirrorIsAtFault() async throws {
        try await Scratch.with { scratch in
            let blob = Sample.blob(1000)
            let damaged = try FakeRegistry { _, _ in
                .response(ServerResponse(200, body: Sample.blob(1000, seed: 5).bytes))
            }
            let origin = try registry { _, _ in .standard }
            origin.content.add(blob)
            let remote = try reading(origin, through: [damaged], scratch).pull(origin.host)
            let broken = remote.blobStream(blob.descriptor)
            let error = try await failure { while try await broken.next() != nil {} }
            #expect(error.isOfMirror)
            let again = remote.blobStream(blob.descriptor)
            var bytes: [UInt8] = []
            while let chunk = try await again.next() { bytes += chunk }
            #expect(bytes == blob.bytes)
        }
    }

    @Test func goesOnToTheNextMirror() async throws {
        try await Scratch.with { scratch in
            let image = image
            let broken = try FakeRegistry { _, _ in .response(ServerResponse(500)) }
            let empty = try FakeRegistry()
            let origin = try registry { _, _ in .standard }
            try scratch.write(
                "\(origin.host)/hosts.toml",
                """
                server = "http://\(origin.host)"
                [host."http://\(broken.host)"]
                [host."http://\(empty.host)"]
                """
            )
            var hosts = HostSettings.bare()
            hosts.hostsDirectories = [scratch.path]
            let credential = Credential.basic(user: "me", password: Secret("pw"))
            let test = TestClient(credentials: [origin.host: credential], hosts: hosts)
            #expect(try await test.pull(origin.host).resolve(.tag("v1")).bytes == image.bytes)
            #expect(
                empty.requests.map(\.target) == [
                    "/v2/team/app/manifests/v1?ns=127.0.0.1%3A\(origin.server.port)"
                ]
            )
            #expect(broken.requests.count == 2)
            #expect(origin.requests.map(\.target) == ["/v2/team/app/manifests/v1"])
            // A push leaves mirrors alone.
            _ = try await test.push(origin.host).upload(Sample.blob(1).descriptor, body: .bytes(Sample.blob(1).bytes))
            #expect(empty.requests.count == 1)
        }
    }
}

/// Registries that ask for patience (TEST-5).
@Suite(.timeLimit(.minutes(1))) struct RetryTests {
    @Test func waitsAsLongAsAsked() async throws {
        let registry = try FakeRegistry { _, content in
            content.tick("get") == 1 ? .response(ServerResponse(429, headers: [("Retry-After", "7")])) : .standard
        }
        let test = TestClient()
        #expect(try await test.pull(registry.host).tags() == [])
        #expect(test.waits.all.first == .seconds(7))
    }

    @Test func waitsUntilADate() async throws {
        let registry = try FakeRegistry { _, content in
            let headers = [("Date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("Retry-After", "Sun, 06 Nov 1994 08:49:57 GMT")]
            return content.tick("get") == 1 ? .response(ServerResponse(503, headers: headers)) : .standard
        }
        let test = TestClient()
        #expect(try await test.pull(registry.host).tags() == [])
        #expect(test.waits.all == [.seconds(20)])
    }

    @Test func backsOffWithoutAHint() async throws {
        let registry = try FakeRegistry { _, _ in .response(ServerResponse(503)) }
        let test = TestClient()
        let error = try await failure { _ = try await test.pull(registry.host).tags() }
        #expect(error.code == .unavailable)
        #expect(error.attempts == 5)
        #expect(registry.requests.count == 5)
        let bounds: [ClosedRange<Double>] = [0.5...1, 1...2, 2...4, 4...8]
        #expect(test.waits.all.count == bounds.count)
        for (wait, bound) in zip(test.waits.all, bounds) { #expect(bound.contains(wait / .seconds(1))) }
        #expect(test.events.lines.count { $0.hasPrefix("retrying") } == 4)
    }

    /// A download has attempts for what broke off, not for what never began: that has attempts of its own.
    @Test func aBlobThatNeverComesIsAskedForFiveTimes() async throws {
        let registry = try FakeRegistry { exchange, _ in
            guard exchange.target.contains("/blobs/") else { return .standard }
            exchange.close()
            return .done
        }
        let error = try await failure {
            _ = try await TestClient().pull(registry.host).blob(Sample.blob(100).descriptor, limit: 1 << 20)
        }
        #expect(error.code == .network)
        #expect(registry.count("GET", containing: "/blobs/") == 5)
    }

    @Test func triesThrottlingHostsLonger() async throws {
        let registry = try FakeRegistry { _, _ in .response(ServerResponse(429)) }
        let error = try await failure { _ = try await TestClient().pull(registry.host).tags() }
        #expect(registry.requests.count == 8)
        #expect(error.buildError.diagnostics[0].hints.contains { $0.contains("--registry-concurrency") })
    }

    @Test func doesNotWaitForAnHour() async throws {
        let registry = try FakeRegistry { _, _ in .response(ServerResponse(429, headers: [("Retry-After", "3600")])) }
        let error = try await failure { _ = try await TestClient().pull(registry.host).tags() }
        #expect(registry.requests.count == 1)
        #expect(error.notes == ["the registry asks to wait 3600 s"])
    }

    @Test func pullLimitsAreFinal() async throws {
        let registry = try FakeRegistry { _, _ in
            let headers = [
                ("ratelimit-limit", "100;w=21600"), ("ratelimit-remaining", "0;w=21600"),
                ("docker-ratelimit-source", "192.0.2.1"),
            ]
            return .response(
                answer(
                    429,
                    "TOOMANYREQUESTS",
                    "You have reached your unauthenticated pull rate limit.",
                    headers: headers
                )
            )
        }
        let error = try await failure { _ = try await TestClient().pull(registry.host).resolve(.tag("v1")) }
        #expect(error.code == .rateLimited)
        #expect(registry.requests.count == 1)
        #expect(error.notes.contains("ratelimit-limit: 100;w=21600"))
    }

    @Test func warnsBeforeThePullLimit() async throws {
        let registry = try FakeRegistry { _, _ in
            .response(
                ServerResponse(
                    200,
                    headers: [("ratelimit-remaining", "3;w=21600"), ("Warning", "299 - \"going away\"")],
                    text: "{}"
                )
            )
        }
        let test = TestClient()
        for _ in 0..<2 { _ = try await test.pull(registry.host).tags() }
        #expect(test.events.warnings.count { $0.message.hasPrefix("3 pulls are left") } == 1)
        #expect(test.events.warnings.count { $0.message.contains("going away") } == 1)
    }

    @Test func reportsWhereNothingListens() async throws {
        let port = try ServerSocket.freePort()
        let error = try await failure { _ = try await TestClient().pull("127.0.0.1:\(port)").tags() }
        #expect(error.code == .network)
        #expect(error.reason.hasPrefix("cannot connect to 127.0.0.1:\(port)"))
        #expect(error.attempts == 3)
        #expect(error.buildError.code == .network)
    }

    @Test func knowsAWebServer() async throws {
        let registry = try FakeRegistry { _, _ in
            .response(ServerResponse(404, headers: [("Content-Type", "text/html")], text: "<html><title>Oops</title>"))
        }
        let error = try await failure { _ = try await TestClient().pull(registry.host).tags() }
        #expect(error.reason.contains("does not look like a container registry"))
        #expect(error.buildError.diagnostics[0].notes.contains("the server says: \"Oops\""))
    }

    @Test func refusesDeepNamesOnDockerHub() async throws {
        let error = try await failure {
            _ = try await TestClient().push("docker.io", "a/b/c").upload(Sample.blob(1).descriptor, body: .bytes([]))
        }
        #expect(error.code == .refused)
        #expect(error.buildError.code == .refused)
    }
}
