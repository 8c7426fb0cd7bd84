import ImgCredentials
import ImgOCI
import Synchronization

/// What was presented to servers in this run, so that text in which one of them gives it back is not shown (SEC-7).
final class SentSecrets: Sendable {
    private let known = Mutex<Set<Secret>>([])
    /// Shorter ones are parts of ordinary words.
    private static let shortest = 4

    /// Remembers the value of an `Authorization` header, and the password in it.
    func note(_ header: Secret) {
        let parts = header.exposed.split(separator: " ", maxSplits: 1)
        guard let scheme = parts.first, parts.count == 2 else { return }
        var found = [Secret(String(parts[1]))]
        if scheme == "Basic", let bytes = Base64.decode(String(parts[1])) {
            let pair = String(decoding: bytes, as: UTF8.self).split(separator: ":", maxSplits: 1)
            if pair.count == 2 { found.append(Secret(String(pair[1]))) }
        }
        let secrets = found.filter { $0.exposed.utf8.count >= Self.shortest }
        known.withLock { $0.formUnion(secrets) }
    }

    /// The text with dots in place of everything that was presented.
    func masked(_ text: String) -> String {
        let secrets = known.withLock { $0 }.map(\.exposed).sorted { $0.utf8.count > $1.utf8.count }
        return secrets.reduce(text) { text, secret in
            text.contains(secret)
                ? text.split(separator: secret, omittingEmptySubsequences: false).joined(separator: "••••••") : text
        }
    }
}
