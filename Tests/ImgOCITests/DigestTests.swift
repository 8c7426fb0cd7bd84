import ImgOCI
import Testing

@Suite struct DigestTests {
    static let hex = String(repeating: "0123456789abcdef", count: 4)

    @Test func roundTrip() throws {
        let digest = try Digest(parsing: "sha256:\(Self.hex)")
        #expect(digest.description == "sha256:\(Self.hex)")
        #expect(digest == Digest(sha256: Hex.decode(Self.hex) ?? []))
    }

    /// REF-4: the loose grammar of other parsers is refused.
    @Test(arguments: [
        "", "sha256", "sha256:", "sha256:abc", "md5:d41d8cd98f00b204e9800998ecf8427e", "sha256:\(hex.uppercased())",
        "sha256:\(hex)0", "sha512:\(hex)", " sha256:\(hex)", "sha256:\(hex.dropLast())g",
    ])
    func refuses(_ text: String) {
        #expect(throws: DigestError.self) { try Digest(parsing: text) }
    }
}
