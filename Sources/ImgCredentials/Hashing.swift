import CImgCrypto

/// The hashes that AWS's formats ask for.
enum Hashing {
    static func sha256(_ bytes: [UInt8]) -> [UInt8] { unsafe digest(bytes, EVP_sha256()) }

    /// Names the files of the SSO token cache (AWS-8); protects nothing.
    static func sha1(_ bytes: [UInt8]) -> [UInt8] { unsafe digest(bytes, EVP_sha1()) }

    static func hmacSHA256(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 0
        _ = unsafe HMAC(EVP_sha256(), key, Int32(key.count), message, message.count, &out, &count)
        return out
    }

    private static func digest(_ bytes: [UInt8], _ kind: OpaquePointer?) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        _ = unsafe EVP_Digest(bytes, bytes.count, &out, &count, kind, nil)
        return Array(out.prefix(Int(count)))
    }
}
