import ImgCredentials
import ImgOCI
import ImgRegistry
import ImgReport
import ImgTestKit
import Testing

/// Against Debian's docker-registry.
@Suite(.timeLimit(.minutes(2))) struct DockerRegistryTests {
    @Test func pushesAndPulls() async throws {
        try await Scratch.with { scratch in
            try await TestRegistry.with(in: scratch) { registry in
                let test = TestClient()
                let remote = try test.push(registry.host)
                let layer = Sample.blob(3_000_000)
                let manifest = try await remote.push(layer, tag: "v1")

                let reader = try TestClient().pull(registry.host)
                let fetched = try await reader.resolve(.tag("v1"))
                #expect(fetched.bytes == manifest.bytes)
                #expect(fetched.descriptor.digest == manifest.descriptor.digest)
                let document = try ImageManifest(parsing: fetched.bytes, mediaType: fetched.descriptor.mediaType)
                let config = try ImageConfig(parsing: try await reader.blob(document.config))
                #expect(config.platform.description == "linux/amd64")
                let stream = reader.blobStream(layer.descriptor)
                var bytes: [UInt8] = []
                while let chunk = try await stream.next() { bytes += chunk }
                #expect(bytes == layer.bytes)
                #expect(try await reader.tags() == ["v1"])
                #expect(try await reader.headManifest(.tag("v1"))?.digest == manifest.descriptor.digest)
                #expect(try await reader.headManifest(.tag("v2")) == nil)
            }
        }
    }

    @Test func repeatedPushSendsNothing() async throws {
        try await Scratch.with { scratch in
            try await TestRegistry.with(in: scratch) { registry in
                let layer = Sample.blob(100_000)
                _ = try await TestClient().push(registry.host).push(layer, tag: "v1")
                let remote = try TestClient().push(registry.host)
                #expect(try await remote.upload(layer.descriptor, body: .bytes(layer.bytes)) == .existed)
                let image = Sample.image(layer: layer).manifest
                let outcome = try await remote.putManifest(image.bytes, mediaType: .ociManifest, as: .tag("v1"))
                #expect(outcome == .existed)
            }
        }
    }

    @Test func mountsFromAnotherRepository() async throws {
        try await Scratch.with { scratch in
            try await TestRegistry.with(in: scratch) { registry in
                let layer = Sample.blob(50_000)
                _ = try await TestClient().push(registry.host, "team/base").push(layer, tag: "v1")
                let remote = try TestClient().push(registry.host, "team/app")
                let hints = UploadHints(mountSources: ["team/base"])
                let outcome = try await remote.upload(layer.descriptor, body: .bytes([]), hints: hints)
                #expect(outcome == .mounted(from: "team/base"))
                #expect(try await remote.hasBlob(layer.descriptor))
            }
        }
    }

    @Test func secondRepositoryMountsWhatTheFirstGot() async throws {
        try await Scratch.with { scratch in
            try await TestRegistry.with(in: scratch) { registry in
                let test = TestClient()
                let layer = Sample.blob(200_000)
                let (first, second) = (try test.push(registry.host, "a/one"), try test.push(registry.host, "a/two"))
                async let one = first.upload(layer.descriptor, body: .bytes(layer.bytes))
                async let two = second.upload(layer.descriptor, body: .bytes(layer.bytes))
                let outcomes = try await [one, two]
                #expect(outcomes.contains(.uploaded(bytes: 200_000)))
                #expect(outcomes.contains(.mounted(from: "a/one")) || outcomes.contains(.mounted(from: "a/two")))
            }
        }
    }

    @Test func passesABlobOnFromAnotherRegistry() async throws {
        try await Scratch.with { scratch in
            try await TestRegistry.with(in: scratch) { source in
                try await TestRegistry.with(in: scratch) { target in
                    let layer = Sample.blob(2_500_000)
                    _ = try await TestClient().push(source.host).push(layer, tag: "v1")
                    let test = TestClient()
                    let from = try test.pull(source.host)
                    let to = try test.push(target.host, "copy/app")
                    let outcome = try await to.upload(layer.descriptor, body: .blob(layer.descriptor, of: from))
                    #expect(outcome == .uploaded(bytes: 2_500_000))
                    #expect(try await TestClient().pull(target.host, "copy/app").blob(layer.descriptor) == layer.bytes)
                }
            }
        }
    }

    @Test func uploadsAFile() async throws {
        try await Scratch.with { scratch in
            try await TestRegistry.with(in: scratch) { registry in
                let layer = Sample.blob(1_500_000)
                let path = try scratch.write("layer", layer.bytes)
                let remote = try TestClient().push(registry.host)
                let outcome = try await remote.upload(layer.descriptor, body: .file(path))
                #expect(outcome == .uploaded(bytes: 1_500_000))
            }
        }
    }

    @Test func listsReferrersUnderTheFallbackTag() async throws {
        try await Scratch.with { scratch in
            try await TestRegistry.with(in: scratch) { registry in
                let remote = try TestClient().push(registry.host)
                let subject = try await remote.push(.blob(1000), tag: "v1")
                for (index, kind) in ["a/b", "c/d"].enumerated() {
                    let layer = Sample.blob(100, seed: UInt8(index + 7))
                    let empty = Sample(Array("{}".utf8), .ociEmpty)
                    try await remote.upload(layer.descriptor, body: .bytes(layer.bytes))
                    try await remote.upload(empty.descriptor, body: .bytes(empty.bytes))
                    let manifest = ImageManifest(
                        artifactType: kind,
                        config: empty.descriptor,
                        layers: [layer.descriptor],
                        subject: subject.descriptor
                    )
                    let artifact = Sample(manifest.encoded(), .ociManifest)
                    _ = try await remote.putManifest(
                        artifact.bytes,
                        mediaType: .ociManifest,
                        as: .digest(artifact.descriptor.digest)
                    )
                }
                let reader = try TestClient().pull(registry.host)
                #expect(
                    try await reader.referrers(of: subject.descriptor.digest).map(\.artifactType) == ["a/b", "c/d"]
                )
                #expect(try await reader.referrers(of: subject.descriptor.digest, artifactType: "c/d").count == 1)
            }
        }
    }

    @Test func signsInWithPassword() async throws {
        try await Scratch.with { scratch in
            let passwords = try await Program.output("htpasswd", ["-Bbn", "me", "s3cret:word"])
            let path = try scratch.write("htpasswd", passwords)
            let extra = "auth: {htpasswd: {realm: test, path: \"\(path)\"}}"
            try await TestRegistry.with(in: scratch, extra: extra) { registry in
                let credential = Credential.basic(user: "me", password: Secret("s3cret:word"))
                let test = TestClient(credentials: [registry.host: credential])
                _ = try await test.push(registry.host).push(.blob(300_000), tag: "v1")
                #expect(!test.events.lines.contains { $0.contains("s3cret") })

                let wrong = Credential.basic(user: "me", password: Secret("wrong"))
                let refused = try await failure {
                    _ = try await TestClient(credentials: [registry.host: wrong]).pull(registry.host)
                        .resolve(.tag("v1"))
                }
                #expect(refused.code == .unauthorized)
                #expect(refused.identity == "me")
                #expect(refused.buildError.code == .denied)
                let anonymous = try await failure {
                    _ = try await TestClient().push(registry.host).upload(Sample.blob(10).descriptor, body: .bytes([]))
                }
                #expect(anonymous.code == .unauthorized)
                #expect(anonymous.buildError.diagnostics[0].hints.contains("imgbuild login \(registry.host)"))
            }
        }
    }
}
