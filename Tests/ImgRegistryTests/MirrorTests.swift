import ImgCredentials
import ImgOCI
import ImgRegistry
import ImgReport
import ImgTasks
import ImgTestKit
import Synchronization
import Testing

/// Mirrors before a registry (MIR-8).
@Suite(.timeLimit(.minutes(1))) struct MirrorTests {
    private let image = Sample.image(layer: .blob(100)).manifest

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
            let origin = try FakeRegistry.tagged(image) { _, _ in .standard }
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
            let origin = try FakeRegistry.tagged(image) { _, _ in .standard }
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
            let origin = try FakeRegistry.tagged(image) { _, _ in .standard }
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
            let origin = try FakeRegistry.tagged(image) { _, _ in .standard }
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
            let origin = try FakeRegistry.tagged(image) { _, _ in .standard }
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
