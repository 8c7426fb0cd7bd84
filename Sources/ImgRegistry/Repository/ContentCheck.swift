import ImgOCI
import ImgStream

/// Compares received bytes with what was announced (PULL-13, PULL-14, SEC-13).
enum ContentCheck {
    /// Whether a whole content has a digest.
    static func matches(_ bytes: [UInt8], _ digest: Digest) -> Bool {
        let check = DigestCheck(digest.algorithm)
        check.update(bytes)
        return check.matches(digest)
    }

    /// The digest that stands for bytes nobody has named yet.
    static func digest(of bytes: [UInt8]) -> Digest { SHA256.digest(of: bytes) }
}
