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
        try FakeRegistry.tagged(image, override)
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
}
