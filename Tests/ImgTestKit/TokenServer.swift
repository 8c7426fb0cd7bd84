import Glibc
import Synchronization

/// A token server whose tokens docker-registry verifies itself.
///
/// - SeeAlso: <https://distribution.github.io/distribution/spec/auth/token/>
package final class TokenServer: Sendable {
    /// How tokens are signed.
    package enum Algorithm: String, Sendable, CaseIterable {
        case rs256 = "RS256"
        case es256 = "ES256"

        fileprivate var keyArguments: [String] {
            self == .rs256 ? ["-newkey", "rsa:2048"] : ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        }
    }

    /// One request for a token, and what it got.
    package struct Grant: Sendable {
        /// nil for somebody without an account.
        package let user: String?
        /// As asked for: `repository:team/app:pull,push`.
        package let scopes: [String]
        /// As given, in the same form.
        package let granted: [String]
        package let token: String
    }

    /// What somebody may do in a repository, of what was asked for; nil user is somebody without an account.
    package typealias Policy = @Sendable (_ user: String?, _ repository: String, _ actions: [String]) -> [String]

    /// docker-registry takes tokens for this long after their end.
    private static let leeway = 60

    private let algorithm: Algorithm
    private let files: String
    private let certificate: String
    private let accounts: [String: String]
    private let policy: Policy
    private let life: @Sendable (_ number: Int) -> Int
    private let state = Mutex<(grants: [Grant], server: ScriptedServer?)>(([], nil))
    package let url: String

    /// Everybody may read, and who has an account may write.
    package static let usual: Policy = { user, _, actions in
        actions.filter { user != nil || $0 == "pull" }
    }

    /// - Parameters:
    ///   - accounts: Passwords by user.
    ///   - life: Seconds that the registry really takes a token for, by its number from 0; the reply always says 300.
    package init(
        in scratch: Scratch,
        _ algorithm: Algorithm = .es256,
        accounts: [String: String],
        policy: @escaping Policy = TokenServer.usual,
        life: @escaping @Sendable (_ number: Int) -> Int = { _ in 300 }
    ) async throws {
        files = scratch["tokens"]
        try await Program.output("mkdir", [files])
        try await Program.output(
            "openssl",
            ["req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=issuer", "-keyout", "key.pem", "-out", "cert.pem"]
                + algorithm.keyArguments,
            in: files
        )
        let command = "openssl x509 -in \(files)/cert.pem -outform der | openssl base64 -A"
        certificate = try await Program.output("sh", ["-c", command])
        self.algorithm = algorithm
        self.accounts = accounts
        self.policy = policy
        self.life = life
        let answer = Mutex<(@Sendable (ServerExchange) throws -> ServerResponse?)?>(nil)
        let server = try ScriptedServer { exchange in
            try answer.withLock { $0 }?(exchange) ?? ServerResponse(503)
        }
        url = server.url
        answer.withLock { $0 = { [weak self] exchange in try self?.answer(exchange) } }
        state.withLock { $0.server = server }
    }

    /// Lines of docker-registry's configuration that make it ask for these tokens.
    package var registryConfiguration: String {
        """
        auth:
          token:
            realm: \(url)/token
            service: test-registry
            issuer: test-issuer
            rootcertbundle: \(files)/cert.pem
        """
    }

    /// All tokens given so far.
    package var grants: [Grant] { state.withLock { $0.grants } }

    package func stop() {
        state.withLock { $0.server }?.stop()
    }

    private func answer(_ exchange: ServerExchange) throws -> ServerResponse {
        let items = Self.items(exchange.query ?? "")
        guard items.contains(where: { $0 == ("service", "test-registry") }) else { return ServerResponse(400) }
        var user: String?
        if let header = exchange["Authorization"] {
            user = accounts.first { header == "Basic " + Base64Text.encode(Array("\($0.key):\($0.value)".utf8)) }?.key
            guard user != nil else { return ServerResponse(401) }
        }
        let scopes = items.filter { $0.name == "scope" }.map(\.value)
        let granted = scopes.compactMap { scope -> (name: String, actions: [String])? in
            let parts = scope.split(separator: ":").map(String.init)
            guard parts.count == 3, parts[0] == "repository" else { return nil }
            return (parts[1], policy(user, parts[1], parts[2].split(separator: ",").map(String.init)))
        }
        let token = try state.withLock { state in
            let token = try self.token(for: user ?? "", granted, life: life(state.grants.count))
            let texts = granted.map { "repository:\($0.name):\($0.actions.joined(separator: ","))" }
            state.grants.append(Grant(user: user, scopes: scopes, granted: texts, token: token))
            return token
        }
        let type = [(name: "Content-Type", value: "application/json")]
        return ServerResponse(200, headers: type, text: "{\"token\":\"\(token)\",\"expires_in\":300}")
    }

    private static func items(_ query: String) -> [(name: String, value: String)] {
        query.split(separator: "&")
            .map { item in
                let pair = item.split(separator: "=", maxSplits: 1).map { decoded(String($0)) }
                return (pair[0], pair.count > 1 ? pair[1] : "")
            }
    }

    private static func decoded(_ text: String) -> String {
        var out: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            let code =
                byte == UInt8(ascii: "%") ? UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) : nil
            if code != nil { rest = rest.dropFirst(2) }
            out.append(code ?? byte)
        }
        return String(decoding: out, as: UTF8.self)
    }
}

// MARK: - Signing

extension TokenServer {
    private func token(for user: String, _ access: [(name: String, actions: [String])], life: Int) throws -> String {
        let end = time(nil) + life - Self.leeway
        let entries = access.map { entry in
            let actions = entry.actions.map { "\"\($0)\"" }.joined(separator: ",")
            return "{\"type\":\"repository\",\"name\":\"\(entry.name)\",\"actions\":[\(actions)]}"
        }
        let header = "{\"typ\":\"JWT\",\"alg\":\"\(algorithm.rawValue)\",\"x5c\":[\"\(certificate)\"]}"
        let claims = """
            {"iss":"test-issuer","sub":"\(user)","aud":"test-registry","exp":\(end),"nbf":\(end - 300),\
            "iat":\(end - 300),"jti":"\(UInt64.random(in: 0...UInt64.max))","access":[\(entries.joined(separator: ","))]}
            """
        let text = "\(Base64Text.forURLs(Array(header.utf8))).\(Base64Text.forURLs(Array(claims.utf8)))"
        let der = try Self.bytes(of: "printf %s \(text) | openssl dgst -sha256 -sign \(files)/key.pem")
        return "\(text).\(Base64Text.forURLs(algorithm == .es256 ? try Self.raw(der) : der))"
    }

    /// What a shell command writes.
    private static func bytes(of command: String) throws -> [UInt8] {
        guard let pipe = unsafe popen(command, "re") else { throw ScratchError(description: "popen: errno \(errno)") }
        var bytes: [UInt8] = []
        while true {
            let byte = unsafe fgetc(pipe)
            guard byte >= 0 else { break }
            bytes.append(UInt8(truncatingIfNeeded: byte))
        }
        guard unsafe pclose(pipe) == 0, !bytes.isEmpty else { throw ScratchError(description: "no signature") }
        return bytes
    }

    /// The two numbers of a DER signature, 32 bytes each.
    private static func raw(_ der: [UInt8]) throws -> [UInt8] {
        var rest = der.dropFirst(2)
        var out: [UInt8] = []
        for _ in 0..<2 {
            guard let length = rest.dropFirst().first.map(Int.init), rest.count >= 2 + length else {
                throw ScratchError(description: "no DER signature")
            }
            let number = rest.dropFirst(2).prefix(length).drop { $0 == 0 }
            out += [UInt8](repeating: 0, count: 32 - number.count) + number
            rest = rest.dropFirst(2 + length)
        }
        return out
    }
}

/// Base64 of the test kit, which uses none of the code under test.
package enum Base64Text {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    package static func encode(_ bytes: [UInt8]) -> String {
        var out: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let number = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for place in 0..<4 {
                out.append(place <= group.count ? alphabet[number >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// Without padding and with `-` and `_`.
    package static func forURLs(_ bytes: [UInt8]) -> String {
        encode(bytes).replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
