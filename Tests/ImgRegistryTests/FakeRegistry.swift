import ImgOCI
import ImgStream
import ImgTestKit
import Synchronization

/// A registry in memory on a ``ScriptedServer``; a test overrides the answers it is about.
final class FakeRegistry: Sendable {
    enum Reaction {
        /// As a well-behaved registry.
        case standard
        case response(ServerResponse)
        /// The test has answered by itself.
        case done
    }

    typealias Override = @Sendable (ServerExchange, Content) throws -> Reaction

    let content = Content()
    let server: ScriptedServer

    init(_ override: @escaping Override = { _, _ in .standard }) throws {
        let content = content
        server = try ScriptedServer { exchange in
            switch try override(exchange, content) {
            case .standard: try content.answer(exchange)
            case .response(let response): response
            case .done: nil
            }
        }
    }

    /// A registry whose tag `v1` leads to an image.
    static func tagged(_ image: Sample, _ override: @escaping Override = { _, _ in .standard }) throws -> FakeRegistry {
        let registry = try FakeRegistry(override)
        registry.content.add(image, as: "v1")
        return registry
    }

    var host: String { server.authority }

    /// All requests in order; attempts at TLS, which a client makes at a new host, are left out.
    var requests: [ScriptedServer.Record] {
        server.requests.filter { !$0.method.isEmpty && $0.method.utf8.allSatisfy { (0x41...0x5a).contains($0) } }
    }

    func count(_ method: String, containing text: String) -> Int {
        requests.count { $0.method == method && $0.target.contains(text) }
    }

    /// What the registry holds.
    final class Content: Sendable {
        struct Manifest: Sendable {
            var type: String
            var bytes: [UInt8]
        }

        struct State: Sendable {
            var blobs: [String: [UInt8]] = [:]
            var manifests: [String: Manifest] = [:]
            var sessions: [String: [UInt8]] = [:]
            var counter = 0
            var counts: [String: Int] = [:]
        }

        let state = Mutex(State())

        /// How often this was called with a name, this time included.
        func tick(_ name: String) -> Int {
            state.withLock { state in
                state.counts[name, default: 0] += 1
                return state.counts[name, default: 0]
            }
        }

        func add(_ sample: Sample) { state.withLock { $0.blobs[sample.descriptor.digest.description] = sample.bytes } }

        func add(_ sample: Sample, as name: String) {
            let manifest = Manifest(type: sample.descriptor.mediaType.rawValue, bytes: sample.bytes)
            state.withLock {
                $0.manifests[name] = manifest
                $0.manifests[sample.descriptor.digest.description] = manifest
            }
        }

        func blob(_ digest: Digest) -> [UInt8]? { state.withLock { $0.blobs[digest.description] } }
    }
}

extension ServerExchange {
    /// A value of the query, percent-decoded as far as digests and paths need it.
    func value(_ name: String) -> String? {
        for item in (query ?? "").split(separator: "&") where item.hasPrefix("\(name)=") {
            return item.dropFirst(name.count + 1).split(separator: "%3A", omittingEmptySubsequences: false)
                .joined(separator: ":").split(separator: "%2F", omittingEmptySubsequences: false).joined(separator: "/")
        }
        return nil
    }

    var last: String { path.split(separator: "/").last.map(String.init) ?? "" }
    var isBlob: Bool { path.contains("/blobs/sha256:") }
    var isManifest: Bool { path.contains("/manifests/") }
    var isSession: Bool { path.contains("/blobs/uploads/") }
}

func answer(
    _ status: Int,
    _ code: String,
    _ message: String = "",
    headers: [(name: String, value: String)] = []
) -> ServerResponse {
    let body = "{\"errors\":[{\"code\":\"\(code)\",\"message\":\"\(message)\"}]}"
    return ServerResponse(status, headers: [("Content-Type", "application/json")] + headers, text: body)
}

// MARK: - Good manners

extension FakeRegistry.Content {
    func answer(_ exchange: ServerExchange) throws -> ServerResponse {
        if exchange.path == "/v2/" { return ServerResponse(200, text: "{}") }
        if exchange.isSession { return try session(exchange) }
        if exchange.isBlob { return blob(exchange) }
        if exchange.isManifest { return try manifest(exchange) }
        if exchange.path.hasSuffix("/tags/list") {
            let tags = state.withLock { $0.manifests.keys.filter { !$0.contains(":") }.sorted() }
            return ServerResponse(
                200,
                text: "{\"name\":\"x\",\"tags\":[\(tags.map { "\"\($0)\"" }.joined(separator: ","))]}"
            )
        }
        return ImgRegistryTests.answer(404, "UNSUPPORTED")
    }

    private func blob(_ exchange: ServerExchange) -> ServerResponse {
        guard let bytes = state.withLock({ $0.blobs[exchange.last] }) else {
            return ImgRegistryTests.answer(404, "BLOB_UNKNOWN")
        }
        if let range = exchange["Range"], let start = Int(range.dropFirst(6).dropLast()) {
            let header = ("Content-Range", "bytes \(start)-\(bytes.count - 1)/\(bytes.count)")
            return ServerResponse(206, headers: [header], body: Array(bytes[start...]))
        }
        return ServerResponse(200, headers: [("Content-Length", "\(bytes.count)")], body: bytes)
    }

    private func manifest(_ exchange: ServerExchange) throws -> ServerResponse {
        if exchange.method == "PUT" {
            let bytes = try exchange.body()
            let digest = SHA256.digest(of: bytes).description
            let manifest = Manifest(type: exchange["Content-Type"] ?? "", bytes: bytes)
            state.withLock {
                $0.manifests[exchange.last] = manifest
                $0.manifests[digest] = manifest
            }
            return ServerResponse(201, headers: [("Docker-Content-Digest", digest)])
        }
        guard let found = state.withLock({ $0.manifests[exchange.last] }) else {
            return ImgRegistryTests.answer(404, "MANIFEST_UNKNOWN")
        }
        let headers = [
            ("Content-Type", found.type), ("Docker-Content-Digest", SHA256.digest(of: found.bytes).description),
            ("Content-Length", "\(found.bytes.count)"),
        ]
        return ServerResponse(200, headers: headers, body: found.bytes)
    }

    private func session(_ exchange: ServerExchange) throws -> ServerResponse {
        switch exchange.method {
        case "POST":
            if let digest = exchange.value("mount"), state.withLock({ $0.blobs[digest] != nil }) {
                return ServerResponse(201, headers: [("Docker-Content-Digest", digest)])
            }
            return ServerResponse(202, headers: [("Location", open(under: exchange.path))])
        case "PATCH":
            let body = try exchange.body()
            let size = state.withLock { state in
                state.sessions[exchange.last, default: []] += body
                return state.sessions[exchange.last, default: []].count
            }
            let headers = [("Location", exchange.target), ("Range", "0-\(max(0, size - 1))")]
            return ServerResponse(202, headers: headers)
        case "PUT": return try close(exchange)
        case "GET":
            guard let size = state.withLock({ $0.sessions[exchange.last]?.count }) else {
                return ImgRegistryTests.answer(404, "BLOB_UPLOAD_UNKNOWN")
            }
            return ServerResponse(204, headers: [("Range", "0-\(max(0, size - 1))"), ("Location", exchange.target)])
        default: return ServerResponse(204)
        }
    }

    /// Opens a session; its URL has a state that must come back byte for byte.
    func open(under path: String) -> String {
        let number = state.withLock { state in
            state.counter += 1
            state.sessions["u\(state.counter)"] = []
            return state.counter
        }
        let directory = path.hasSuffix("/") ? path : path + "/"
        return "\(directory)u\(number)?_state=a%2Fb%3D%3d"
    }

    private func close(_ exchange: ServerExchange) throws -> ServerResponse {
        let body = try exchange.body()
        guard exchange.query?.hasPrefix("_state=a%2Fb%3D%3d&digest=sha256%3A") == true,
            let digest = exchange.value("digest")
        else { return ImgRegistryTests.answer(400, "BLOB_UPLOAD_INVALID", "state was changed: \(exchange.target)") }
        guard let before = state.withLock({ $0.sessions.removeValue(forKey: exchange.last) }) else {
            return ImgRegistryTests.answer(404, "BLOB_UPLOAD_UNKNOWN")
        }
        let bytes = before + body
        guard SHA256.digest(of: bytes).description == digest else {
            return ImgRegistryTests.answer(400, "DIGEST_INVALID")
        }
        state.withLock { $0.blobs[digest] = bytes }
        return ServerResponse(201, headers: [("Docker-Content-Digest", digest)])
    }
}
