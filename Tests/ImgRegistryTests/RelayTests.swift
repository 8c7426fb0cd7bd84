import ImgOCI
import ImgRegistry
import ImgTestKit
import Synchronization
import Testing

/// Blobs that go from one registry to another.
@Suite(.timeLimit(.minutes(1))) struct RelayTests {
    /// A registry that takes what it is given, and bodies of up to 10 MiB only if it is told so.
    private static func trusting(inParts: Bool = false) throws -> FakeRegistry {
        try FakeRegistry { exchange, content in
            if inParts, exchange.isLarge { return .response(answer(413, "")) }
            guard exchange.isSession, exchange.method == "PUT" else { return .standard }
            let body = try exchange.body()
            content.state.withLock { state in
                let all = (state.sessions[exchange.last] ?? []) + body
                state.blobs[exchange.value("digest") ?? ""] = all
            }
            return .response(ServerResponse(201))
        }
    }

    private static func relay(_ blob: Sample, from source: FakeRegistry, to target: FakeRegistry) async throws {
        let body = UploadBody.blob(blob.descriptor, of: try TestClient().pull(source.host))
        _ = try await TestClient().push(target.host).upload(blob.descriptor, body: body)
    }

    @Test(arguments: [false, true]) func corruptContentIsNotPassedOn(inParts: Bool) async throws {
        let blob = Sample.blob(17 << 20)
        let source = try FakeRegistry()
        var damaged = blob.bytes
        damaged[damaged.count - 1] ^= 1
        source.content.state.withLock { $0.blobs[blob.descriptor.digest.description] = damaged }
        let target = try Self.trusting(inParts: inParts)
        let error = try await failure { try await Self.relay(blob, from: source, to: target) }
        #expect(error.reason.contains("download blob \(blob.descriptor.digest)"), "\(error)")
        #expect(target.content.state.withLock { $0.blobs.isEmpty })
    }

    @Test(arguments: [false, true]) func contentIsPassedOn(inParts: Bool) async throws {
        let blob = Sample.blob(17 << 20)
        let source = try FakeRegistry()
        source.content.add(blob)
        let target = try Self.trusting(inParts: inParts)
        try await Self.relay(blob, from: source, to: target)
        #expect(target.content.blob(blob.descriptor.digest) == blob.bytes)
        #expect(target.count("PATCH", containing: "/uploads/") == (inParts ? 3 : 0))
    }

    /// What was hashed with the lost part is not counted twice.
    @Test func aPartIsSentAgain() async throws {
        let blob = Sample.blob(17 << 20)
        let source = try FakeRegistry()
        source.content.add(blob)
        let target = try FakeRegistry { exchange, content in
            guard exchange.isSession else { return .standard }
            if exchange.isLarge { return .response(answer(413, "")) }
            guard exchange.method == "PATCH", content.tick("part") == 2 else { return .standard }
            try exchange.discardBody()
            return .response(answer(500, "UNKNOWN"))
        }
        try await Self.relay(blob, from: source, to: target)
        #expect(target.content.blob(blob.descriptor.digest) == blob.bytes)
        #expect(target.count("PATCH", containing: "/uploads/") > 3)
    }
}

extension ServerExchange {
    fileprivate var isLarge: Bool { (self["Content-Length"].flatMap { Int($0) } ?? 0) > 10 << 20 }
}
