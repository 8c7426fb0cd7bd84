import ImgOCI
import ImgStream
import ImgTestKit
import Testing

@Suite struct HashTests {
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ])
    func sha256(_ text: String, _ hex: String) {
        #expect(SHA256.digest(of: Array(text.utf8)).hex == hex)
    }

    @Test func piecesAndSnapshots() throws {
        let bytes = noise(100_000)
        var hash = SHA256()
        let (first, second) = (Array(bytes[..<70_000]), Array(bytes[70_000...]))
        hash.update(first.span)
        #expect(hash.current() == SHA256.digest(of: first))
        hash.update(second.span)
        #expect(hash.finalize() == SHA256.digest(of: bytes))
    }

    /// RFC 4231, test case 2; FIPS 180 example.
    @Test func hmacAndSHA1() {
        let mac = SHA256.hmac(key: Array("Jefe".utf8), Array("what do ya want for nothing?".utf8))
        #expect(Hex.encode(mac) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        #expect(LegacyHash.sha1(Array("abc".utf8)).map { Hex.encode($0) } == "a9993e364706816aba3e25717850c26c9cd0d89d")
    }

    @Test(arguments: ["sha256", "sha512"])
    func checkAgreesWithOpenSSL(_ name: String) async throws {
        let bytes = noise(10_000)
        let hex = try await Scratch.with { scratch in
            try scratch.write("f", bytes)
            return try await Program.output("openssl", ["dgst", "-\(name)", "-r", scratch["f"]])
        }
        let digest = try Digest(parsing: "\(name):\(hex.prefix { $0 != " " })")
        let check = DigestCheck(digest.algorithm)
        check.update(bytes)
        #expect(check.matches(digest))
        let other = DigestCheck(digest.algorithm)
        other.update(bytes + [0])
        #expect(!other.matches(digest))
    }
}
