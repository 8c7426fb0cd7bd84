/// One challenge of a `WWW-Authenticate` header.
///
/// - SeeAlso: <https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1>
package struct Challenge: Hashable, Sendable {
    /// In lower case.
    package var scheme: String
    /// Names in lower case; the first value of a repeated name wins.
    package var parameters: [String: String] = [:]

    /// All challenges of all header lines in order.
    ///
    /// A line may hold several; malformed parameters are skipped (AUTH-1).
    package static func parse(_ lines: [String]) -> [Challenge] {
        lines.flatMap { line in
            var parser = ChallengeParser(bytes: Array(line.utf8))
            return parser.challenges()
        }
    }
}

private struct ChallengeParser {
    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func challenges() -> [Challenge] {
        var found: [Challenge] = []
        while true {
            skip { $0 == UInt8(ascii: ",") || $0 == 0x20 || $0 == 0x09 }
            guard position < bytes.count else { return found }
            let word = take(while: Self.isToken)
            guard !word.isEmpty else {
                skipMalformed()
                continue
            }
            let afterWord = position
            skipSpace()
            if current == UInt8(ascii: "="), !found.isEmpty {
                position += 1
                skipSpace()
                let name = word.lowercased()
                let value = parameterValue()
                let last = found.count - 1
                if found[last].parameters[name] == nil { found[last].parameters[name] = value }
            } else {
                position = afterWord
                found.append(Challenge(scheme: word.lowercased()))
                skipToken68()
            }
        }
    }

    private mutating func parameterValue() -> String {
        guard current == UInt8(ascii: "\"") else { return take { $0 != UInt8(ascii: ",") && $0 != 0x20 } }
        position += 1
        var text: [UInt8] = []
        while let byte = current {
            position += 1
            if byte == UInt8(ascii: "\"") { break }
            if byte == UInt8(ascii: "\\"), let escaped = current {
                text.append(escaped)
                position += 1
            } else {
                text.append(byte)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// A parameter with a name that is none: passed over up to the next comma outside quotes.
    private mutating func skipMalformed() {
        var isQuoted = false
        while let byte = current {
            if byte == UInt8(ascii: ","), !isQuoted { return }
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            position += 1
        }
    }

    /// The opaque data of schemes such as Negotiate, which must not be taken for a scheme.
    private mutating func skipToken68() {
        let start = position
        skipSpace()
        let text = take { Self.isToken68($0) }
        skip { $0 == UInt8(ascii: "=") }
        skipSpace()
        let isAtEnd = current == nil || current == UInt8(ascii: ",")
        if text.isEmpty || !isAtEnd { position = start }
    }

    private mutating func skipSpace() { skip { $0 == 0x20 || $0 == 0x09 } }

    private mutating func skip(while condition: (UInt8) -> Bool) {
        while let byte = current, condition(byte) { position += 1 }
    }

    private mutating func take(while condition: (UInt8) -> Bool) -> String {
        let start = position
        skip(while: condition)
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
        default: false
        }
    }

    private static func isToken(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }

    private static func isToken68(_ byte: UInt8) -> Bool { isAlphanumeric(byte) || "-._~+/".utf8.contains(byte) }
}

/// How a host wants to be authenticated.
enum AuthScheme: Hashable, Sendable {
    case basic
    case bearer(BearerChallenge)
}

/// Where to get a token and for what.
struct BearerChallenge: Hashable, Sendable {
    /// Absolute.
    var realm: String
    /// Sent back as it came; nil when the challenge has none (AUTH-3).
    var service: String?
}

/// What a 401 or 403 says about authentication.
struct AuthDemand: Hashable, Sendable {
    var scheme: AuthScheme
    var scopes: [Scope] = []
    var error: String?

    var isInsufficientScope: Bool { error == "insufficient_scope" }

    /// The challenge to answer: Bearer with a realm before Basic (AUTH-2).
    /// - Parameter resolve: Makes a realm absolute (AUTH-4); nil when it can't be.
    static func preferred(in challenges: [Challenge], resolve: (String) -> String?) -> AuthDemand? {
        for challenge in challenges where challenge.scheme == "bearer" {
            guard let realm = challenge.parameters["realm"], !realm.isEmpty, let url = resolve(realm) else { continue }
            let bearer = BearerChallenge(realm: url, service: challenge.parameters["service"])
            let words = challenge.parameters["scope"]?.split(separator: " ").map { Scope(parsing: String($0)) } ?? []
            return AuthDemand(scheme: .bearer(bearer), scopes: words, error: challenge.parameters["error"])
        }
        return challenges.contains { $0.scheme == "basic" } ? AuthDemand(scheme: .basic) : nil
    }
}
