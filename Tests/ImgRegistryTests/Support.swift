import ImgCredentials
import ImgHTTP
import ImgOCI
import ImgRegistry
import ImgReport
import ImgStream
import ImgTasks
import ImgTestKit
import Synchronization

/// A machine without configuration files, programs and AWS.
struct EmptyMachine: CredentialFiles, CredentialProcesses, CredentialTransport {
    func read(_ path: String) async throws(CredentialFileError) -> [UInt8]? { nil }

    func update(_ path: String, _ edit: @escaping @Sendable ([UInt8]?) throws -> [UInt8]?) async throws {}

    func locate(_ program: String, in directories: [String]) async -> String? { nil }

    func run(_ command: CredentialCommand) async throws(CredentialProcessError) -> CredentialCommandResult {
        throw .notStarted("there are no programs")
    }

    func send(_ request: CredentialRequest) async throws(CredentialTransportError) -> CredentialReply {
        throw CredentialTransportError(.network, "there is no network")
    }
}

/// A client for tests: it never waits between attempts, and remembers how long it would have.
struct TestClient {
    let client: RegistryClient
    let events = RecordedEvents()
    let waits: Waits

    /// The pauses that were asked for.
    final class Waits: Sendable {
        private let values = Mutex<[Duration]>([])

        func add(_ duration: Duration) { values.withLock { $0.append(duration) } }

        var all: [Duration] { values.withLock { $0 } }
    }

    init(
        credentials: [String: Credential] = [:],
        hosts: HostSettings = .bare(),
        variables: [String: String] = [:],
        configure: (inout RegistryOptions) -> Void = { _ in }
    ) {
        let waits = Waits()
        let machine = EmptyMachine()
        let environment = CredentialEnvironment(variables: variables, home: "") { Timestamp(seconds: 1_800_000_000) }
        let context = CredentialContext(
            environment: environment,
            files: machine,
            processes: machine,
            transport: machine,
            events: events
        )
        var options = RegistryOptions()
        options.sleep = { duration in
            waits.add(duration)
            try await Task.sleep(for: .milliseconds(1))
        }
        configure(&options)
        self.waits = waits
        client = RegistryClient(
            http: HTTPClient(configuration: HTTPConfiguration(connectTimeout: .seconds(5), stallTimeout: .seconds(5))),
            credentials: CredentialResolver(context: context, options: .init(explicit: credentials)),
            hosts: hosts,
            options: options,
            pool: BlockingPool(threads: 1),
            events: events
        )
    }

    func push(_ host: String, _ path: String = "team/app") throws -> Repository {
        client.repository(try ImageReference(parsing: "\(host)/\(path)"), for: .push)
    }

    func pull(_ host: String, _ path: String = "team/app") throws -> Repository {
        client.repository(try ImageReference(parsing: "\(host)/\(path)"))
    }
}

/// Content for tests, with the descriptor that belongs to it.
struct Sample: Sendable {
    var bytes: [UInt8]
    var descriptor: Descriptor

    init(_ bytes: [UInt8], _ type: MediaType = .ociLayerGzip) {
        self.bytes = bytes
        descriptor = Descriptor(mediaType: type, digest: SHA256.digest(of: bytes), size: Int64(bytes.count))
    }

    /// Bytes that look the same on every run.
    static func blob(_ count: Int, seed: UInt8 = 1) -> Sample {
        var state = UInt32(seed) &* 2_654_435_761 &+ 12345
        let block = (0..<4099)
            .map { _ in
                state = state &* 1_664_525 &+ 1_013_904_223
                return UInt8(truncatingIfNeeded: state >> 24)
            }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + block.count)
        while bytes.count < count { bytes += block }
        bytes.removeLast(bytes.count - count)
        return Sample(bytes)
    }

    /// An image of one layer: configuration and manifest.
    static func image(
        layer: Sample,
        platform: Platform = Platform(os: "linux", architecture: "amd64")
    ) -> (config: Sample, manifest: Sample) {
        var config = ImageConfig(platform: platform)
        config.diffIDs = [layer.descriptor.digest]
        config.history = [HistoryEntry(createdBy: "COPY . .")]
        let configSample = Sample(config.encoded(), .ociConfig)
        let manifest = ImageManifest(config: configSample.descriptor, layers: [layer.descriptor])
        return (configSample, Sample(manifest.encoded(), .ociManifest))
    }
}

extension Repository {
    /// Pushes a whole image under a tag.
    func push(_ layer: Sample, tag: String) async throws -> Sample {
        let image = Sample.image(layer: layer)
        try await upload(layer.descriptor, body: .bytes(layer.bytes))
        try await upload(image.config.descriptor, body: .bytes(image.config.bytes))
        _ = try await putManifest(image.manifest.bytes, mediaType: .ociManifest, as: .tag(tag))
        return image.manifest
    }
}

/// Runs `body`, which must fail with a ``RegistryError``.
func failure(_ body: () async throws -> Void) async throws -> RegistryError {
    do {
        try await body()
    } catch let error as RegistryError {
        return error
    }
    throw MissingFailure()
}

struct MissingFailure: Error {}
