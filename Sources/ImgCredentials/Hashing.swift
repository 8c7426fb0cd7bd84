import ImgStream

/// The hashes that AWS's formats ask for.
enum Hashing {
    static func sha256(_ bytes: [UInt8]) -> [UInt8] { SHA256.hash(bytes) }

    /// Names the files of the SSO token cache (AWS-8); protects nothing.
    ///
    /// Nil where OpenSSL is set up without it.
    static func sha1(_ bytes: [UInt8]) -> [UInt8]? { LegacyHash.sha1(bytes) }

    static func hmacSHA256(key: [UInt8], _ message: [UInt8]) -> [UInt8] { SHA256.hmac(key: key, message) }
}
