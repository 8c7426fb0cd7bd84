import ImgOCI

/// One entry of the `errors` list in a registry's reply.
///
/// - SeeAlso: <https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes>
package struct RegistryAnswer: Hashable, Sendable {
    /// Such as `MANIFEST_UNKNOWN`; upper case.
    package var code: String
    /// Without control characters, at most 2 KiB (SEC-9).
    package var message: String
}

/// A request to a registry that failed, with everything that is known about it.
package struct RegistryError: Error, Sendable {
    /// What kind of failure it is.
    package struct Code: RawRepresentable, Hashable, Sendable {
        package let rawValue: String

        package init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// Credentials are missing or wrong.
        package static let unauthorized = Code(rawValue: "unauthorized")
        /// The identity is known but not allowed.
        package static let denied = Code(rawValue: "denied")
        package static let notFound = Code(rawValue: "not found")
        package static let repositoryUnknown = Code(rawValue: "repository unknown")
        package static let manifestUnknown = Code(rawValue: "manifest unknown")
        package static let blobUnknown = Code(rawValue: "blob unknown")
        /// An upload session that is gone or spoilt.
        package static let uploadUnknown = Code(rawValue: "upload unknown")
        /// A quota of pulls is used up; waiting seconds doesn't help (HUB-5).
        package static let rateLimited = Code(rawValue: "rate limited")
        /// 429, 5xx and the like: may work later.
        package static let unavailable = Code(rawValue: "unavailable")
        package static let network = Code(rawValue: "network")
        package static let tls = Code(rawValue: "tls")
        package static let digestMismatch = Code(rawValue: "digest mismatch")
        package static let sizeMismatch = Code(rawValue: "size mismatch")
        /// The registry doesn't take this content.
        package static let refused = Code(rawValue: "refused")
        package static let immutable = Code(rawValue: "immutable")
        package static let tooLarge = Code(rawValue: "too large")
        /// The request isn't offered by this registry.
        package static let unsupported = Code(rawValue: "unsupported")
        /// The server's reply makes no sense.
        package static let `protocol` = Code(rawValue: "protocol")
        /// A redirect, upload location or token realm that must not be followed (SEC-3…5).
        package static let blocked = Code(rawValue: "blocked")
        /// Settings on this machine are at fault.
        package static let configuration = Code(rawValue: "configuration")
        package static let cancelled = Code(rawValue: "cancelled")
    }

    package var code: Code
    /// As the user wrote it: host[:port].
    package var host: String
    /// The path; empty when no repository is concerned.
    package var repository: String
    /// What was being done, as a phrase: `push blob sha256:…`.
    package var operation: String
    /// The plain cause in one sentence.
    package var reason: String
    /// HTTP status; nil when there was no reply.
    package var status: Int?
    /// What the registry said.
    package var answers: [RegistryAnswer] = []
    /// The host[:port] at fault where that may be another than the registry.
    package var peer: String?
    /// Who was asking: a user name or `anonymous` (AUTH-30); nil when it doesn't matter.
    package var identity: String?
    /// Where the credentials came from.
    package var credentialSource: String?
    /// Further facts, one a line.
    package var notes: [String] = []
    /// Remedies known at the place of the failure.
    package var hints: [String] = []
    /// Whether the credentials themselves are at fault, of which ``reason`` says whose they are and where they came from.
    package var hasRejectedCredentials = false
    /// Whether ``hints`` say all there is to say.
    package var hasOwnRemedies = false
    /// How often it was tried.
    package var attempts = 1
    /// The first failure when a later one ended the matter (RETRY-9).
    package var firstReason: String?
    /// How long the server wants to be left alone.
    package var retryAfter: Duration?
    /// The `Server` header, to tell a proxy from the registry.
    package var server: String?
    /// Body bytes that were sent before it failed.
    package var sent: Int64 = 0
    /// Whether trying the same again can help.
    package var isTransient = false
    /// Fewer attempts than usual are worth it.
    package var attemptLimit: Int?
    /// Whether the server would have liked to see a certificate (TLS-3).
    package var wantsClientCertificate = false
    /// Whether it failed before anything reached the server.
    package var isBeforeSending = false
    /// Whether a mirror sent something wrong: it is not asked again, others may have better.
    package var isOfMirror = false

    package init(
        _ code: Code,
        host: String,
        repository: String = "",
        operation: String,
        reason: String,
        status: Int? = nil
    ) {
        self.code = code
        self.host = host
        self.repository = repository
        self.operation = operation
        self.reason = reason
        self.status = status
    }

    /// Whether the registry named one of these codes.
    package func says(_ codes: String...) -> Bool { answers.contains { codes.contains($0.code) } }

    /// Whether the registry's words contain a text, in any case.
    package func mentions(_ text: String) -> Bool {
        answers.contains { $0.message.lowercased().contains(text.lowercased()) }
    }

    /// `host/path`.
    package var place: String { repository.isEmpty ? host : "\(host)/\(repository)" }

    /// Whether the thing asked for is not there.
    package var isMissing: Bool {
        [.notFound, .manifestUnknown, .blobUnknown, .repositoryUnknown].contains(code)
    }
}

extension RegistryError: CustomStringConvertible {
    /// One line: what failed, where, why.
    package var description: String { "cannot \(operation): \(place): \(reason)" }
}
