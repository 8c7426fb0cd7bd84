import CImgCrypto
package import ImgOCI

/// SHA-256 by OpenSSL, fed in pieces.
@safe package struct SHA256: ~Copyable {
    private let context: OpaquePointer?

    /// An empty message.
    package init() {
        unsafe context = EVP_MD_CTX_new()
        _ = unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil)
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    package mutating func update(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBytes { _ = unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
    }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        _ = unsafe EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
    }

    /// The digest of what was fed so far; feeding may go on.
    package func current() -> Digest {
        let copy = unsafe EVP_MD_CTX_new()
        defer { unsafe EVP_MD_CTX_free(copy) }
        _ = unsafe EVP_MD_CTX_copy_ex(copy, context)
        var out = [UInt8](repeating: 0, count: 32)
        _ = unsafe out.withUnsafeMutableBufferPointer { unsafe EVP_DigestFinal_ex(copy, $0.baseAddress, nil) }
        return Digest(sha256: out)
    }

    /// The digest of the whole message.
    package consuming func finalize() -> Digest { current() }

    /// The digest of bytes at hand.
    package static func digest(of bytes: [UInt8]) -> Digest { Digest(sha256: hash(bytes)) }

    /// The raw 32 bytes.
    package static func hash(_ bytes: [UInt8]) -> [UInt8] { unsafe OneShotHash.digest(bytes, length: 32, EVP_sha256()) }

    /// HMAC with SHA-256, 32 bytes (RFC 2104).
    package static func hmac(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 0
        _ = unsafe HMAC(EVP_sha256(), key, Int32(key.count), message, message.count, &out, &count)
        return out
    }
}

/// SHA-1 where a format of others asks for it.
package enum LegacyHash {
    /// 20 bytes; names files, protects nothing.
    package static func sha1(_ bytes: [UInt8]) -> [UInt8] { unsafe OneShotHash.digest(bytes, length: 20, EVP_sha1()) }
}

private enum OneShotHash {
    static func digest(_ bytes: [UInt8], length: Int, _ kind: OpaquePointer?) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        _ = unsafe EVP_Digest(bytes, bytes.count, &out, &count, kind, nil)
        return Array(out.prefix(length))
    }
}

/// A digest computed by either trusted algorithm, for verifying what a descriptor says.
@safe package final class DigestCheck {
    private let algorithm: Digest.Algorithm
    private let context: OpaquePointer?

    package init(_ algorithm: Digest.Algorithm) {
        self.algorithm = algorithm
        unsafe context = EVP_MD_CTX_new()
        _ = unsafe EVP_DigestInit_ex(context, algorithm == .sha256 ? EVP_sha256() : EVP_sha512(), nil)
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    package func update(_ bytes: UnsafeRawBufferPointer) {
        _ = unsafe EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
    }

    package func update(_ bytes: [UInt8]) {
        _ = unsafe EVP_DigestUpdate(context, bytes, bytes.count)
    }

    /// Whether what was fed has this digest; may be asked once.
    package func matches(_ digest: Digest) -> Bool {
        var out = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        _ = unsafe EVP_DigestFinal_ex(context, &out, &count)
        return digest.algorithm == algorithm && Hex.encode(out.prefix(Int(count))) == digest.hex
    }
}
