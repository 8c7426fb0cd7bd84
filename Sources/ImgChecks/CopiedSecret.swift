/// What is remembered of a copied file that holds a secret: what it is and how it is called, never the secret.
package struct CopiedSecret: Hashable, Sendable {
    /// The raw values are stored.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case privateKey = "key"
        case encryptedPrivateKey = "encrypted-key"
        case aws
        case docker
        case git
        case google
        case kubernetes
        case netrc
        case npm
        case pypi
        case variables
        /// A `.git` directory, noted of the file `HEAD` in it.
        case repository
    }

    package var kind: Kind
    /// Names from the file: of variables, of a format; empty where ``kind`` says all.
    package var detail: String

    package init(_ kind: Kind, _ detail: String = "") {
        self.kind = kind
        self.detail = detail
    }
}

/// The stored form: a mark, the kind, a zero byte, the detail.
extension CopiedSecret {
    /// Tells it from ``ExecutableFacts`` and from the texts that are kept of files.
    private static let mark: UInt8 = 2

    package var encoded: [UInt8] { [Self.mark] + kind.rawValue.utf8 + [0] + detail.utf8 }

    /// Reads ``encoded``; nil for anything else.
    package init?(decoding bytes: [UInt8]) {
        guard bytes.first == Self.mark else { return nil }
        let fields = bytes.dropFirst().split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        guard fields.count == 2, let kind = Kind(rawValue: String(decoding: fields[0], as: UTF8.self)) else {
            return nil
        }
        self.init(kind, String(decoding: fields[1], as: UTF8.self))
    }
}
