/// Looks for a secret in a file that is copied into an image.
///
/// Which files are read at all is decided by their path and first bytes; most are dismissed by those.
package struct SecretSearch: Sendable {
    /// First bytes that the decision takes.
    package static let headLength = 64
    /// First bytes that are read of a file that may hold a secret.
    package static let limit = 64 << 10

    private let read: @Sendable (_ text: [UInt8]) -> CopiedSecret?

    /// Nil for a file that is not worth reading.
    ///
    /// - Parameters:
    ///   - path: In the image, without leading slash.
    ///   - head: The file's first bytes, ``headLength`` if there are as many.
    package init?(path: [UInt8], head: [UInt8]) {
        guard let read = Self.reader(ofHead: head) ?? Self.reader(ofPath: path) else { return nil }
        let place = FilePath("/" + String(decoding: path, as: UTF8.self))
        guard !place.isInPackage, !place.isExample else { return nil }
        self.read = read
    }

    /// - Parameter text: At most ``limit`` bytes from the file's start.
    package func find(in text: [UInt8]) -> CopiedSecret? { read(text) }

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

    /// Files that programs look for under this name.
    private static func reader(ofPath path: [UInt8]) -> Reader? {
        let slash = path.lastIndex(of: UInt8(ascii: "/"))
        let name = String(decoding: path[(slash.map { $0 + 1 } ?? 0)...], as: UTF8.self)
        var directory: String {
            let parent = path[..<(slash ?? 0)]
            return String(decoding: parent.suffix(while: { $0 != UInt8(ascii: "/") }), as: UTF8.self)
        }
        switch name {
        case ".netrc", "_netrc": return SecretText.netrc
        case ".npmrc": return SecretText.npm
        case ".pypirc": return SecretText.pypi
        case ".git-credentials": return SecretText.git
        case ".dockercfg", ".dockerconfigjson": return SecretText.docker
        case "config.json": return directory == ".docker" ? SecretText.docker : nil
        case "credentials": return directory == ".aws" ? SecretText.aws : nil
        case "kubeconfig": return SecretText.kubernetes
        case "config":
            switch directory {
            case ".aws": return SecretText.aws
            case ".kube": return SecretText.kubernetes
            case ".git": return SecretText.git
            default: return nil
            }
        case "HEAD": return directory == ".git" ? SecretText.repository : nil
        case ".env", ".envrc": return SecretText.variables
        default: break
        }
        if name.hasPrefix(".env.") { return SecretText.variables }
        guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")) else { return nil }
        switch name[dot...] {
        case ".pem", ".key", ".p8", ".ovpn": return PrivateKeyText.find
        case ".env": return SecretText.variables
        case ".kubeconfig": return SecretText.kubernetes
        case ".properties", ".ini", ".cfg", ".conf", ".toml", ".yaml", ".yml", ".tfvars":
            return { SecretText.awsPair($0) ?? PrivateKeyText.find(in: $0) }
        default: return nil
        }
    }
}

extension BidirectionalCollection {
    /// The longest end whose elements all fit.
    fileprivate func suffix(while fits: (Element) -> Bool) -> SubSequence {
        var start = endIndex
        while start > startIndex, fits(self[index(before: start)]) { start = index(before: start) }
        return self[start...]
    }
}
