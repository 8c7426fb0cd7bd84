import ImgOCI
import ImgRegistry
import ImgReport
import ImgTasks
import ImgTestKit
import Synchronization
import Testing

/// Registries that are particular about manifests and tags (TEST-3).
@Suite(.timeLimit(.minutes(1))) struct ManifestTests {
    private let image = Sample.image(layer: .blob(100)).manifest

    private func put(
        _ registry: FakeRegistry,
        tag: String? = "v1",
        test: TestClient = TestClient(),
        repair: Repository.Repair? = nil
    ) async throws -> PutOutcome {
        let selector = tag.map { ManifestSelector.tag($0) } ?? .digest(image.descriptor.digest)
        return try await test.push(registry.host)
            .putManifest(image.bytes, mediaType: .ociManifest, as: selector, repair: repair)
    }

    @Test func putsATagOnce() async throws {
        let registry = try FakeRegistry()
        #expect(try await put(registry) == .stored)
        #expect(registry.requests.map(\.method) == ["HEAD", "PUT"])
        #expect(registry.requests[1]["Content-Type"] == "application/vnd.oci.image.manifest.v1+json")
        #expect(try await put(registry) == .existed)
        #expect(registry.count("PUT", containing: "v1") == 1)
    }

    @Test(arguments: [
        (
            400, "TAG_INVALID",
            "The image tag 'v1' already exists in the 'r' repository and cannot be overwritten because the repository is immutable."
        ),
        (400, "TAG_INVALID", "cannot be overwritten because the tag is immutable"),
        (412, "PRECONDITION", "configured as immutable"),
        (409, "DENIED", "The repository has enabled tag immutability"),
    ])
    func reportsImmutableTags(_ status: Int, _ code: String, _ message: String) async throws {
        let registry = try FakeRegistry { exchange, _ in
            exchange.method == "PUT" ? .response(answer(status, code, message)) : .standard
        }
        let old = Sample.image(layer: .blob(7)).manifest
        registry.content.add(old, as: "v1")
        let error = try await failure { _ = try await put(registry) }
        #expect(error.code == .immutable)
        #expect(error.reason.contains(old.descriptor.digest.description))
        #expect(error.reason.contains(image.descriptor.digest.description))
        #expect(registry.count("PUT", containing: "v1") == 1)
        #expect(error.buildError.code == .refused)
    }

    /// docker-registry says so with the status of an outage, which it is not: one series of attempts is enough.
    @Test(arguments: [String?.none, "v1"]) func aMissingPartIsNoOutage(_ tag: String?) async throws {
        let registry = try FakeRegistry { exchange, _ in
            exchange.method == "PUT" ? .response(answer(500, "MANIFEST_BLOB_UNKNOWN")) : .standard
        }
        let error = try await failure { _ = try await put(registry, tag: tag) }
        #expect(error.code == .blobUnknown)
        #expect(registry.count("PUT", containing: "/manifests/") == 5)
    }

    /// Who is told to come back tomorrow does not try at once again (RETRY-6).
    @Test func keepsToALongRetryAfter() async throws {
        let registry = try FakeRegistry { exchange, _ in
            guard exchange.method == "PUT" else { return .standard }
            return .response(answer(429, "TOOMANYREQUESTS", headers: [("Retry-After", "86400")]))
        }
        _ = try await failure { _ = try await put(registry) }
        #expect(registry.count("PUT", containing: "v1") == 1)
    }

    @Test func neverPutsATagBlindlyAgain() async throws {
        let registry = try FakeRegistry { exchange, content in
            guard exchange.method == "PUT" else { return .standard }
            _ = try content.answer(exchange)
            exchange.reset()
            return .done
        }
        #expect(try await put(registry) == .stored)
        #expect(registry.count("PUT", containing: "v1") == 1)
    }

    @Test func goesOnWhenHeadsAreForbidden() async throws {
        let registry = try FakeRegistry { exchange, _ in
            exchange.method == "HEAD" ? .response(ServerResponse(403)) : .standard
        }
        #expect(try await put(registry) == .stored)
    }

    @Test func waitsForConsistency() async throws {
        let registry = try FakeRegistry { exchange, content in
            guard exchange.method == "PUT", content.tick("put") < 4 else { return .standard }
            return .response(answer(404, "MANIFEST_BLOB_UNKNOWN"))
        }
        let test = TestClient()
        #expect(try await put(registry, test: test) == .stored)
        #expect(test.waits.all == [.seconds(1), .seconds(2), .seconds(4)])
    }

    @Test func sendsLostPartsAgain() async throws {
        let registry = try FakeRegistry { exchange, content in
            guard exchange.method == "PUT", exchange.isManifest else { return .standard }
            let isThere = content.state.withLock { $0.blobs.count == 2 }
            return isThere ? .standard : .response(answer(400, "MANIFEST_BLOB_UNKNOWN"))
        }
        let layer = Sample.blob(100)
        registry.content.add(Sample.image(layer: layer).config)
        let test = TestClient()
        let remote = try test.push(registry.host)
        let outcome = try await put(registry, test: test) { descriptor throws(RegistryError) in
            try await remote.uploadAgain(descriptor, body: .bytes(layer.bytes))
        }
        #expect(outcome == .stored)
        #expect(registry.content.blob(layer.descriptor.digest) == layer.bytes)
    }

    /// A storage that is away for a moment, at the very last step.
    @Test(arguments: [500, 502, 0]) func waitsForATagToBePut(_ status: Int) async throws {
        let registry = try FakeRegistry { exchange, content in
            guard exchange.method == "PUT", content.tick("put") < 4 else { return .standard }
            guard status == 0 else {
                try exchange.discardBody()
                return .response(answer(status, "UNKNOWN"))
            }
            exchange.reset()
            return .done
        }
        let test = TestClient()
        #expect(try await put(registry, test: test) == .stored)
        #expect(registry.count("PUT", containing: "/manifests/") == 4)
        // It is asked before each repetition whether the tag has moved.
        // A kept connection that was closed meanwhile is no attempt (NET-9).
        let least = status == 0 ? 3 : 4
        #expect(registry.count("HEAD", containing: "/manifests/") >= least)
        #expect(test.waits.all.count >= least - 1)
    }

    @Test func refusesARewrittenManifest() async throws {
        let registry = try FakeRegistry { exchange, _ in
            guard exchange.method == "PUT" else { return .standard }
            return .response(
                ServerResponse(201, headers: [("Docker-Content-Digest", Sample.blob(1).descriptor.digest.description)])
            )
        }
        #expect(try await failure { _ = try await put(registry) }.code == .digestMismatch)
    }

    @Test func acceptsSuccessWithoutDigest() async throws {
        let registry = try FakeRegistry { exchange, _ in
            exchange.method == "PUT" ? .response(ServerResponse(201)) : .standard
        }
        #expect(try await put(registry, tag: nil) == .stored)
    }

    @Test func refusesHugeManifestsBeforeSending() async throws {
        let registry = try FakeRegistry()
        let bytes = [UInt8](repeating: 0x20, count: Repository.manifestPushLimit + 1)
        let error = try await failure {
            _ = try await TestClient().push(registry.host).putManifest(bytes, mediaType: .ociManifest, as: .tag("v1"))
        }
        #expect(error.code == .tooLarge)
        #expect(registry.requests.isEmpty)
    }

    @Test(arguments: [415, 400, 405])
    func reportsRefusedTypes(_ status: Int) async throws {
        let registry = try FakeRegistry { exchange, _ in
            exchange.method == "PUT" ? .response(answer(status, "MANIFEST_INVALID", "unknown media type")) : .standard
        }
        let error = try await failure { _ = try await put(registry) }
        #expect(error.buildError.code == .refused)
        #expect(error.buildError.diagnostics[0].hints.contains { $0.contains("oci-mediatypes=false") })
    }

    /// What two platforms cost when nothing has changed: the budget is three for each and three.
    @Test func secondPushIsCheap() async throws {
        let registry = try FakeRegistry()
        let images = [Sample.image(layer: .blob(10)).manifest, Sample.image(layer: .blob(11)).manifest]
        let index = Sample(ImageIndex(manifests: images.map(\.descriptor)).encoded(), .ociIndex)
        for image in images { registry.content.add(image, as: image.descriptor.digest.description) }
        registry.content.add(index, as: "v1")
        let remote = try TestClient().push(registry.host)
        for image in images {
            let outcome = try await remote.putManifest(
                image.bytes,
                mediaType: .ociManifest,
                as: .digest(image.descriptor.digest)
            )
            #expect(outcome == .existed)
        }
        #expect(try await remote.putManifest(index.bytes, mediaType: .ociIndex, as: .tag("v1")) == .existed)
        #expect(registry.requests.count == 3)
    }

    @Test func listsTagsPageByPage() async throws {
        let registry = try FakeRegistry { exchange, _ in
            guard exchange.path.hasSuffix("/tags/list") else { return .standard }
            switch exchange.value("last") {
            case nil:
                return .response(
                    ServerResponse(
                        200,
                        headers: [("Link", "</v2/team/app/tags/list?n=2&last=b>; rel=\"next\"")],
                        text: "{\"tags\":[\"a\",\"b\"]}"
                    )
                )
            case "b":
                return .response(
                    ServerResponse(
                        200,
                        headers: [("Link", "<?last=c>; rel=\"next\"")],
                        text: "{\"tags\":[\"b\",\"c\"]}"
                    )
                )
            default:
                return .response(
                    ServerResponse(200, headers: [("Link", "<?last=c>; rel=\"next\"")], text: "{\"tags\":null}")
                )
            }
        }
        #expect(try await TestClient().pull(registry.host).tags() == ["a", "b", "c"])
    }

    @Test func doesNotLeaveTheRepositoryForTags() async throws {
        let other = try FakeRegistry()
        for link in ["\(other.server.url)/v2/team/app/tags/list?last=a", "/v2/other/name/tags/list?last=a"] {
            let registry = try FakeRegistry { _, _ in
                .response(
                    ServerResponse(200, headers: [("Link", "<\(link)>; rel=\"next\"")], text: "{\"tags\":[\"a\"]}")
                )
            }
            #expect(try await failure { _ = try await TestClient().pull(registry.host).tags() }.code == .blocked)
        }
        #expect(other.requests.isEmpty)
    }
}
