/// A password, token or key.
///
/// Every way of printing it shows dots; only ``exposed`` gives the text.
package struct Secret: Hashable, Sendable {
    /// The text itself, for the one header, body or standard input that needs it.
    package let exposed: String

    package init(_ text: String) {
        exposed = text
    }

    package var isEmpty: Bool { exposed.isEmpty }

    /// Whether the text could break out of a header line (SEC-11).
    package var hasControlCharacters: Bool { exposed.utf8.contains { $0 < 0x20 || $0 == 0x7f } }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Dots, the same number for every secret.
    package var description: String { "••••••" }
    /// Dots, the same number for every secret.
    package var debugDescription: String { description }
    /// Nothing to look into, so that `dump` and failed expectations show dots too.
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// What to present to a registry.
package enum Credential: Hashable, Sendable {
    case anonymous
    case basic(user: String, password: Secret)
    /// An OAuth2 refresh token, exchanged at the registry's realm (AUTH-18); the user is often unknown.
    case identityToken(user: String?, Secret)
    /// The Bearer token itself, sent without an exchange (AUTH-26).
    case registryToken(Secret)

    /// The identity for messages: a user name or a word for what is known (AUTH-30).
    package var identity: String {
        switch self {
        case .anonymous: "anonymous"
        case .basic(let user, _): user
        case .identityToken(let user, _): user ?? "an identity token"
        case .registryToken: "a registry token"
        }
    }
}

/// A credential and where it came from.
package struct ResolvedCredential: Hashable, Sendable {
    /// What kind of place gave the credential; decides what may be tried after a refusal.
    package enum Origin: Hashable, Sendable {
        /// Nothing was configured.
        case none
        /// Given for this host on the command line or by the embedder.
        case explicit
        /// A plain entry of a configuration file.
        case file
        /// A helper configured for this very host.
        case hostHelper
        /// The store asked for every host: its answer may be meant for another purpose (AUTH-22).
        case catchAllStore
        /// The built-in provider for Amazon ECR.
        case ecr
    }

    package var credential: Credential
    /// For people: `~/.docker/config.json`, `docker-credential-pass`, `AWS profile dev`.
    package var source: String
    package var origin: Origin
    /// What is known about the account beyond a user name, such as `AWS access key …MPLE`.
    package var account: String?

    package init(_ credential: Credential, source: String, origin: Origin, account: String? = nil) {
        self.credential = credential
        self.source = source
        self.origin = origin
        self.account = account
    }

    package static let anonymous = ResolvedCredential(.anonymous, source: "no credentials configured", origin: .none)

    /// The identity for messages, with the AWS account where one is behind it (AUTH-30).
    package var identity: String { account ?? credential.identity }
}

/// What a credential is wanted for; a failing source stops a push and only warns on a pull (CFG-4).
package enum CredentialPurpose: Hashable, Sendable {
    case pull
    case push
}
