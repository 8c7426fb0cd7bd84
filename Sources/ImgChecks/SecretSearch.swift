/// Looks for a secret in a file that is copied into an image.
///
/// Which files are read at all is decided by their path and first bytes; most are dismissed by those.
package struct SecretSearch: Sendable {
    /// First bytes that the decision takes.
    package static let headLength = 64
    /// First bytes that are read of a file that may hold a secret.
    package static let limit = 64 << 10

    private let path: [UInt8]
    private let read: Reader

    /// Nil for a file that is not worth reading.
    ///
    /// - Parameters:
    ///   - path: In the image, without leading slash.
    ///   - head: The file's first bytes, ``headLength`` if there are as many.
    package init?(path: [UInt8], head: [UInt8]) {
        guard let read = Self.reader(ofHead: head) ?? Self.reader(ofPath: path) else { return nil }
        self.path = path
        self.read = read
    }

    /// - Parameter text: At most ``limit`` bytes from the file's start.
    package func find(in text: [UInt8]) -> CopiedSecret? {
        guard let secret = read(text) else { return nil }
        // Asked last: it costs more than to read, and few files come to it.
        let place = FilePath("/" + String(decoding: path, as: UTF8.self))
        return place.isInPackage || place.isExample ? nil : secret
    }

    // MARK: - Candidates

    private typealias Reader = @Sendable ([UInt8]) -> CopiedSecret?

    /// Files that say themselves what they are, under whatever name.
    private static func reader(ofHead head: [UInt8]) -> Reader? {
        switch head.first {
        case UInt8(ascii: "-") where head.starts(with: "-----BEGIN ".utf8): PrivateKeyText.find
        case UInt8(ascii: "P") where head.starts(with: PrivateKeyText.putty): PrivateKeyText.findPuTTY
        case UInt8(ascii: "{") where head.holds("\"service_account\""): SecretText.google
        case UInt8(ascii: "[") where head.holds("\naws_"): SecretText.aws
        case UInt8(ascii: "a")
        where head.starts(with: "apiVersion: v1\nclusters:".utf8)
            || head.starts(with: "apiVersion: v1\nkind: Config\n".utf8):
            SecretText.kubernetes
        // What the AWS console offers to save; older ones begin with the user's name, all may with a byte order mark.
        case UInt8(ascii: "A"), UInt8(ascii: "U"), 0xef:
            head.holds("Access key ID,Secret access key") ? SecretText.awsPair : nil
        default: nil
        }
    }

    /// Files that programs look for by their name.
    private static func reader(ofPath path: [UInt8]) -> Reader? {
        let slash = UInt8(ascii: "/")
        let start = path.lastIndex(of: slash).map { $0 + 1 } ?? 0
        let name = path[start...]
        if let read = files[String(decoding: name, as: UTF8.self)] { return read }
        if start > 0 {
            let directory = path[..<(start - 1)].lastIndex(of: slash).map { $0 + 1 } ?? 0
            if path[directory] == UInt8(ascii: "."),
                let read = files[String(decoding: path[directory...], as: UTF8.self)]
            {
                return read
            }
        }
        if name.starts(with: ".env.".utf8) { return SecretText.variables }
        guard let dot = name.lastIndex(of: UInt8(ascii: ".")) else { return nil }
        return extensions[String(decoding: name[(dot + 1)...], as: UTF8.self)]
    }

    /// By name; those of a hidden directory with it.
    private static let files: [String: Reader] = [
        ".aws/config": SecretText.aws,
        ".aws/credentials": SecretText.aws,
        ".docker/config.json": SecretText.docker,
        ".dockercfg": SecretText.docker,
        ".dockerconfigjson": SecretText.docker,
        ".envrc": SecretText.variables,
        ".git-credentials": SecretText.git,
        ".git/HEAD": SecretText.repository,
        ".git/config": SecretText.git,
        ".kube/config": SecretText.kubernetes,
        ".netrc": SecretText.netrc,
        ".npmrc": SecretText.npm,
        ".pypirc": SecretText.pypi,
        "_netrc": SecretText.netrc,
        "kubeconfig": SecretText.kubernetes,
    ]

    private static let extensions: [String: Reader] = [
        "cfg": SecretText.settings,
        "conf": SecretText.settings,
        "env": SecretText.variables,
        "ini": SecretText.settings,
        "key": PrivateKeyText.find,
        "kubeconfig": SecretText.kubernetes,
        "ovpn": PrivateKeyText.find,
        "p8": PrivateKeyText.find,
        "pem": PrivateKeyText.find,
        "properties": SecretText.settings,
        "tfvars": SecretText.settings,
        "toml": SecretText.settings,
        "yaml": SecretText.settings,
        "yml": SecretText.settings,
    ]
}
