import Foundation
import ImgBuilder
import Testing

/// What another package can do with `import ImgBuilder` alone: there are no symbols of our package here.
@Suite("The library from outside") struct ClientTests {
    /// A builder in an empty directory that vanishes afterwards.
    private func withBuilder(_ body: (Builder, _ directory: String) async throws -> Void) async throws {
        let directory = NSTemporaryDirectory() + "/imgbuild-client-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: directory + "/work", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var environment = BuilderEnvironment(
            variables: [:],
            homeDirectory: directory,
            workingDirectory: directory + "/work"
        )
        environment.cacheDirectory = directory + "/cache"
        try await body(Builder(environment: environment), directory + "/work")
    }

    @Test func buildsInspectsAndCopies() async throws {
        try await withBuilder { builder, directory in
            try "hello".write(toFile: directory + "/hello", atomically: true, encoding: .utf8)
            var request = BuildRequest(context: .directory("."))
            request.dockerfile = .text(Array("FROM scratch\nCOPY hello /\nCMD [\"/hello\"]\n".utf8), name: "Dockerfile")
            request.platforms = [try Platform(parsing: "linux/amd64"), try Platform(parsing: "linux/arm64")]
            request.tags = [try ImageReference(parsing: "example.org/a/b:1")]
            request.outputs = [.layout(path: "layout", isTar: false)]
            let built = try await builder.build(request)
            #expect(built.images.map(\.platform) == request.platforms)
            let layout = ImageLocation.layout(path: "layout", tag: nil, digest: nil)
            let description = try await builder.inspect(layout)
            #expect(description.root.digest == built.root.digest)
            #expect(description.images.map(\.config.config.cmd) == [["/hello"], ["/hello"]])
            let copied = try await builder.copy(layout, toLayout: "other", isTar: false, name: nil)
            #expect(copied.root.digest == built.root.digest)
        }
    }

    @Test func errorsCarryWhatFailed() async throws {
        try await withBuilder { builder, _ in
            var request = BuildRequest(context: .directory("absent"))
            request.consumers = ["nobody"]
            do throws(BuildError) {
                _ = try await builder.check(request)
                Issue.record("an unknown consumer is accepted")
            } catch {
                #expect(error.code == .usage)
                #expect(error.diagnostics.first?.message == "unknown consumer \"nobody\"")
            }
        }
    }

    @Test func requestsAreValues() throws {
        var request = BuildRequest(context: .empty)
        request.labels = [ImageLabel(key: "a", value: "b")]
        request.namedContexts = [BuildContext(name: "base", value: "docker-image://alpine")]
        var other = request
        #expect(other == request)
        other.labels[0].value = "c"
        #expect(other != request)
        var settings = RegistrySettings()
        settings.certificateAuthorities = [.init(host: "localhost:5000", path: "/ca.pem")]
        #expect(settings != RegistrySettings())
    }

    /// Whoever embeds the builder tests their own code without it.
    @Test func resultsCanBeMade() throws {
        let digest = try Digest(parsing: "sha256:" + String(repeating: "0", count: 64))
        let root = Descriptor(mediaType: .ociIndex, digest: digest, size: 1)
        let reference = try ImageReference(parsing: "example.org/a/b")
        let result = BuildResult(root: root, images: [], pushed: [reference], names: [], warnings: [])
        #expect(result.pushed.first?.tagged.tag == "latest")
        #expect(!DoctorReport(findings: [.init(verdict: .warn, name: "dns", detail: "")]).fails)
        #expect(CheckReport(warnings: []).isClean)
        #expect(VerifyReport(platforms: [], consumers: []).platforms.isEmpty)
        #expect(CopyResult(root: root, pushed: []).root == root)
    }

    @Test func tagsOfReferences() throws {
        let reference = try ImageReference(parsing: "example.org/a/b:1")
        #expect(try reference.with(tag: "2").description == "example.org/a/b:2")
        #expect(throws: ReferenceError.self) { try reference.with(tag: "no tag") }
    }

    /// What the documentation shows is what is compiled here.
    @Test func theDocumentedExampleIsCompiled() throws {
        let here = URL(filePath: #filePath).deletingLastPathComponent()
        let root = here.deletingLastPathComponent().deletingLastPathComponent()
        let documentation = try String(contentsOf: root.appending(path: "docs/library.md"), encoding: .utf8)
        let example = try String(contentsOf: here.appending(path: "Example.swift"), encoding: .utf8)
        #expect(documentation.contains("```swift\n\(example)```"))
    }
}
