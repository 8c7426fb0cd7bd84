import Glibc
import ImgTestKit
import Synchronization

/// A registry that wants credentials and misbehaves as a test says; behind it is a good one.
final class HostileRegistry: Sendable {
    static let user = "robot"
    static let password = "hunter2-S3cret"
    /// `robot:hunter2-S3cret`.
    static let basic = "cm9ib3Q6aHVudGVyMi1TM2NyZXQ="

    /// What happens to a request.
    enum Reaction {
        case pass
        case answer(ServerResponse)
        /// The fault has written to the connection, closed it or broken it.
        case done
    }

    typealias Fault = @Sendable (ServerExchange, World) throws -> Reaction

    /// What a fault may use.
    final class World: Sendable {
        let upstream: Upstream
        /// Another host, which serves the same without asking who it is.
        let elsewhere: ScriptedServer
        private let counts = Mutex<[String: Int]>([:])

        init(_ upstream: Upstream) throws {
            self.upstream = upstream
            elsewhere = try ScriptedServer { exchange in try upstream.forward(exchange) }
        }

        /// How often this was called with a name, this time included.
        func tick(_ name: String) -> Int {
            counts.withLock { counts in
                counts[name, default: 0] += 1
                return counts[name, default: 0]
            }
        }

        func isFirst(_ name: String) -> Bool { tick(name) == 1 }

        func forward(_ exchange: ServerExchange, as target: String? = nil) throws -> ServerResponse {
            try upstream.forward(exchange, as: target, without: ["Authorization"])
        }
    }

    let world: World
    let server: ScriptedServer

    init(before registry: TestRegistry, asking: Asking = .basic, _ fault: @escaping Fault) throws {
        let world = try World(Upstream(registry.host))
        self.world = world
        server = try ScriptedServer { exchange in
            if let demand = asking.demand(of: exchange, world) { return demand }
            switch try fault(exchange, world) {
            case .pass: return try world.forward(exchange)
            case .answer(let response): return response
            case .done: return nil
            }
        }
    }

    func stop() {
        server.stop()
        world.elsewhere.stop()
    }

    /// How it wants to be asked.
    enum Asking: Sendable {
        case basic
        /// Tokens that hold until a fault ticks `expired`.
        case token

        func demand(of exchange: ServerExchange, _ world: World) -> ServerResponse? {
            let given = exchange["Authorization"]
            switch self {
            case .basic:
                guard given != "Basic \(HostileRegistry.basic)" else { return nil }
                return ServerResponse(401, headers: [("WWW-Authenticate", "Basic realm=\"hostile\"")])
            case .token:
                if exchange.path == "/token" {
                    guard given == "Basic \(HostileRegistry.basic)" else { return ServerResponse(401) }
                    return ServerResponse(200, text: "{\"token\":\"\(Self.token(world.tick("tokens")))\"}")
                }
                guard given?.hasPrefix("Bearer token-") != true else { return nil }
                return Self.challenge(exchange)
            }
        }

        static func token(_ number: Int) -> String { "token-\(number)-of-the-realm" }

        static func challenge(_ exchange: ServerExchange) -> ServerResponse {
            let host = exchange["Host"] ?? ""
            return ServerResponse(
                401,
                headers: [("WWW-Authenticate", "Bearer realm=\"http://\(host)/token\",service=\"hostile\"")]
            )
        }
    }
}

extension ServerExchange {
    var isUpload: Bool { path.contains("/blobs/uploads/") }
    /// The request that brings the bytes of the large layer.
    var isLargeUpload: Bool { isUpload && method != "POST" && (bodyLeft ?? 0) > 1 << 20 }
    var isManifest: Bool { path.contains("/manifests/") }
    var isManifestByDigest: Bool { path.contains("/manifests/sha256:") }
    var isBlobRead: Bool { method == "GET" && path.contains("/blobs/sha256:") }
}

extension ServerResponse {
    static func failure(_ status: Int, _ code: String, _ message: String = "no") -> ServerResponse {
        ServerResponse(
            status,
            headers: [("Content-Type", "application/json")],
            text: "{\"errors\":[{\"code\":\"\(code)\",\"message\":\"\(message)\"}]}"
        )
    }

    /// The same answer with another value of a header.
    func setting(_ name: String, _ value: String) -> ServerResponse {
        var copy = self
        copy.headers.removeAll { $0.name.lowercased() == name.lowercased() }
        copy.headers.append((name, value))
        return copy
    }

    subscript(name: String) -> String? { headers.first { $0.name.lowercased() == name.lowercased() }?.value }
}
