import Glibc
import ImgOCI
import ImgRegistry
import ImgStream
import ImgTestKit
import Synchronization
import Testing

/// Blobs that are sent while they are made (PUSH-23).
@Suite(.timeLimit(.minutes(1))) struct EarlyUploadTests {
    private static let part = 8 << 20
    private let blob = Sample.blob(3 * part + 1000)

    /// A blob's file, written in steps.
    private final class Making: Sendable {
        let file = GrowingFile()
        let blob: Sample
        private let descriptor: Int32
        private let written = Mutex(0)

        init(_ blob: Sample, in scratch: Scratch) throws {
            self.blob = blob
            descriptor = unsafe open(try scratch.write("blob", ""), O_RDWR | O_CLOEXEC)
            file.show(descriptor)
        }

        deinit { close(descriptor) }

        /// Writes up to a size.
        func write(to size: Int) {
            let size = written.withLock { written in
                while written < size {
                    let count = unsafe blob.bytes[written..<size]
                        .withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
                    guard count > 0 else { break }
                    written += count
                }
                return written
            }
            file.grow(to: Int64(size))
        }

        var body: UploadBody {
            .stream { [file] range in
                let position = Position(range.lowerBound)
                return { try await position.next(of: file) }
            }
        }

        private actor Position {
            private var offset: Int64

            init(_ offset: Int64) { self.offset = offset }

            func next(of file: GrowingFile) throws -> [UInt8]? {
                let chunk = try file.read(from: offset, count: 1 << 20)
                offset += Int64(chunk.count)
                return chunk.isEmpty ? nil : chunk
            }
        }
    }

    /// Sends a blob's first parts before the last are there, then the blob.
    private func push(
        _ registry: FakeRegistry,
        _ test: TestClient = TestClient(),
        isWanted: @escaping @Sendable () -> Bool = { true }
    ) async throws -> (early: EarlyUpload?, outcome: PushOutcome) {
        let blob = blob
        return try await Scratch.with { scratch in
            let making = try Making(blob, in: scratch)
            let remote = try test.push(registry.host)
            async let early = remote.uploadEarly(making.file, body: making.body, while: isWanted)
            making.write(to: 2 * Self.part + 500)
            while registry.count("PATCH", containing: "/uploads/") < 2, remote.takesEarlyUploads, isWanted() {
                try await Task.sleep(for: .milliseconds(5))
            }
            making.write(to: blob.bytes.count)
            making.file.end()
            let begun = await early
            let hints = UploadHints(early: begun)
            return (begun, try await remote.upload(blob.descriptor, body: making.body, hints: hints))
        }
    }

    @Test func sendsPartsBeforeTheBlobIsWhole() async throws {
        let registry = try FakeRegistry()
        let (early, outcome) = try await push(registry)
        #expect(early != nil)
        #expect(outcome == .uploaded(bytes: blob.descriptor.size))
        #expect(registry.content.blob(blob.descriptor.digest) == blob.bytes)
        #expect(registry.requests.map(\.method).prefix(3) == ["POST", "PATCH", "PATCH"])
        #expect(registry.count("POST", containing: "/uploads/") == 1)
        #expect(registry.requests.allSatisfy { $0["Transfer-Encoding"] == nil })
        let parts = registry.requests.compactMap { $0["Content-Range"] }
        #expect(parts.prefix(2) == ["0-8388607", "8388608-16777215"])
        #expect(registry.requests.last?.method == "PUT")
    }

    @Test func givesUpWhatTheRegistryHas() async throws {
        let registry = try FakeRegistry()
        registry.content.add(blob)
        let (_, outcome) = try await push(registry)
        #expect(outcome == .existed)
        #expect(registry.count("PUT", containing: "/uploads/") == 0)
        #expect(registry.requests.last?.method == "DELETE")
    }

    @Test(arguments: [400, 404, 405, 413, 416, 500])
    func sendsTheWholeBlobAfterARefusal(_ status: Int) async throws {
        let registry = try FakeRegistry { exchange, _ in
            guard exchange.method == "PATCH" else { return .standard }
            try exchange.discardBody()
            return .response(answer(status, status == 404 ? "BLOB_UPLOAD_UNKNOWN" : "UNSUPPORTED"))
        }
        let test = TestClient()
        let (early, outcome) = try await push(registry, test)
        #expect(early == nil)
        #expect(outcome == .uploaded(bytes: blob.descriptor.size))
        #expect(registry.content.blob(blob.descriptor.digest) == blob.bytes)
        // One refusal is enough.
        #expect(try !test.push(registry.host).takesEarlyUploads)
    }

    @Test func sendsTheWholeBlobWhenPartsAreLost() async throws {
        let registry = try FakeRegistry { exchange, content in
            guard exchange.method == "PATCH" else { return .standard }
            var kept = try exchange.body()
            kept.removeLast()
            content.state.withLock { $0.sessions[exchange.last, default: []] += kept }
            let headers = [("Location", exchange.target), ("Range", "0-\(kept.count - 1)")]
            return .response(ServerResponse(202, headers: headers))
        }
        let (early, outcome) = try await push(registry)
        #expect(early == nil)
        #expect(outcome == .uploaded(bytes: blob.descriptor.size))
        #expect(registry.content.blob(blob.descriptor.digest) == blob.bytes)
    }

    @Test func sendsTheWholeBlobWhenPartsWereStoredWrongly() async throws {
        let registry = try FakeRegistry { exchange, content in
            guard exchange.method == "PATCH" else { return .standard }
            let body = try exchange.body().map { $0 ^ 1 }
            let size = content.state.withLock { state in
                state.sessions[exchange.last, default: []] += body
                return state.sessions[exchange.last, default: []].count
            }
            let headers = [("Location", exchange.target), ("Range", "0-\(size - 1)")]
            return .response(ServerResponse(202, headers: headers))
        }
        let (early, outcome) = try await push(registry)
        #expect(early != nil)
        #expect(outcome == .uploaded(bytes: blob.descriptor.size))
        #expect(registry.content.blob(blob.descriptor.digest) == blob.bytes)
    }

    @Test func sendsTheWholeBlobWhenTheConnectionBreaks() async throws {
        let registry = try FakeRegistry { exchange, content in
            guard exchange.method == "PATCH", content.tick("patch") == 2 else { return .standard }
            var taken = 0
            while taken < 4 << 20 { taken += try exchange.readBody().count }
            exchange.reset()
            return .done
        }
        let (early, outcome) = try await push(registry)
        #expect(early == nil)
        #expect(outcome == .uploaded(bytes: blob.descriptor.size))
        #expect(registry.content.blob(blob.descriptor.digest) == blob.bytes)
    }

    @Test func sendsNothingThatIsNotWanted() async throws {
        let registry = try FakeRegistry()
        let (early, _) = try await push(registry, isWanted: { false })
        #expect(early == nil)
        #expect(registry.count("PATCH", containing: "/uploads/") == 0)
    }

    @Test func leavesShortBlobsAlone() async throws {
        let registry = try FakeRegistry()
        let short = Sample.blob(2 * Self.part)
        try await Scratch.with { scratch in
            let making = try Making(short, in: scratch)
            let remote = try TestClient().push(registry.host)
            async let early = remote.uploadEarly(making.file, body: making.body) { true }
            making.write(to: short.bytes.count)
            making.file.end()
            #expect(await early == nil)
        }
        #expect(registry.requests.isEmpty)
    }

    @Test(arguments: [
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com", "public.ecr.aws", "ghcr.io", "europe-docker.pkg.dev", "gcr.io",
    ])
    func isNotTriedWherePartsAreTrouble(_ host: String) throws {
        #expect(try !TestClient().push(host, "a/b").takesEarlyUploads)
    }

    @Test(arguments: ["docker.io", "quay.io", "registry.gitlab.com", "example.azurecr.io", "registry.example.com"])
    func isTriedElsewhere(_ host: String) throws {
        #expect(try TestClient().push(host, "a/b").takesEarlyUploads)
    }
}
