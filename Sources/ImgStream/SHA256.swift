import CImgCrypto
package import ImgOCI

/// SHA-256 by OpenSSL, fed in pieces.
@safe package struct SHA256: ~Copyable {
    private let hash = unsafe MessageHash(EVP_sha256())

    /// An empty message.
    package init() {}

    package mutating func update(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBytes { unsafe hash.update($0) }
    }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) { unsafe hash.update(bytes) }

    /// The digest of what was fed so far; feeding may go on.
    package func current() -> Digest { Digest(sha256: hash.current()) }

    /// The digest of the whole message.
    package consuming func finalize() -> Digest { current() }

    /// The digest of bytes at hand.
    package static func digest(of bytes: [UInt8]) -> Digest { Digest(sha256: hash(bytes)) }

    /// The raw 32 bytes.
    package static func hash(_ bytes: [UInt8]) -> [UInt8] {
        guard let digest = unsafe OneShotHash.digest(bytes, EVP_sha256()) else { refused() }
        return digest
    }

    /// HMAC with SHA-256, 32 bytes (RFC 2104).
    package static func hmac(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 0
        let code = unsafe HMAC(EVP_sha256(), key, Int32(key.count), message, message.count, &out, &count)
        require(unsafe code != nil)
        return out
    }
}

/// SHA-1 where a format of others asks for it.
package enum LegacyHash {
    /// 20 bytes; names files, protects nothing.
    ///
    /// Nil where OpenSSL is set up without it, as FIPS may want.
    package static func sha1(_ bytes: [UInt8]) -> [UInt8]? { unsafe OneShotHash.digest(bytes, EVP_sha1()) }
}

private enum OneShotHash {
    static func digest(_ bytes: [UInt8], _ kind: OpaquePointer?) -> [UInt8]? {
        var out = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        guard unsafe EVP_Digest(bytes, bytes.count, &out, &count, kind, nil) == 1 else { return nil }
        return Array(out.prefix(Int(count)))
    }
}

/// A digest computed by either trusted algorithm, for verifying what a descriptor says.
@safe package final class DigestCheck {
    private let algorithm: Digest.Algorithm
    private let hash: MessageHash

    package init(_ algorithm: Digest.Algorithm) {
        self.algorithm = algorithm
        hash = unsafe MessageHash(algorithm == .sha256 ? EVP_sha256() : EVP_sha512())
    }

    package func update(_ bytes: UnsafeRawBufferPointer) { unsafe hash.update(bytes) }

    package func update(_ bytes: [UInt8]) { unsafe bytes.withUnsafeBytes { unsafe hash.update($0) } }

    /// `sha256:…` of what was fed so far; feeding may go on.
    package var text: String { "\(algorithm.rawValue):\(Hex.encode(hash.current()))" }

    /// Whether what was fed so far has this digest.
    package func matches(_ digest: Digest) -> Bool { text == digest.description }
}

/// One of OpenSSL's hashes, fed in pieces.
@safe private final class MessageHash {
    private let context: OpaquePointer?

    init(_ kind: OpaquePointer?) {
        unsafe context = EVP_MD_CTX_new()
        require(unsafe EVP_DigestInit_ex(context, kind, nil) == 1)
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    func update(_ bytes: UnsafeRawBufferPointer) {
        require(unsafe EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1)
    }

    func current() -> [UInt8] {
        let copy = unsafe EVP_MD_CTX_new()
        defer { unsafe EVP_MD_CTX_free(copy) }
        var out = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        require(unsafe EVP_MD_CTX_copy_ex(copy, context) == 1)
        require(unsafe EVP_DigestFinal_ex(copy, &out, &count) == 1)
        return Array(out.prefix(Int(count)))
    }
}

/// A digest of nothing must not go on as one: the algorithms are two that every set-up of OpenSSL has, FIPS included, and
/// what is hashed is never refused, so that only want of memory leads here.
private func require(_ hasWorked: Bool) {
    if !hasWorked { refused() }
}

private func refused() -> Never { fatalError("OpenSSL cannot hash: out of memory, or set up without SHA-2") }
