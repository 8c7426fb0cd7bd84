import ImgOCI
import Testing

@Suite struct TimestampTests {
    @Test(
        arguments: [
            (0, 0, "1970-01-01T00:00:00Z"), (1_700_000_000, 0, "2023-11-14T22:13:20Z"), (-1, 0, "1969-12-31T23:59:59Z"),
            (951_782_400, 500_000_000, "2000-02-29T00:00:00.5Z"), (253_402_300_800, 0, "9999-12-31T23:59:59Z"),
        ] as [(Int64, Int32, String)]
    )
    func formats(_ seconds: Int64, _ nanoseconds: Int32, _ expected: String) {
        #expect(Timestamp(seconds: seconds, nanoseconds: nanoseconds).rfc3339 == expected)
    }

    @Test func parsesOffsetsAndFractions() {
        #expect(
            Timestamp(rfc3339: "2023-11-14T23:13:20.25+01:00")
                == Timestamp(seconds: 1_700_000_000, nanoseconds: 250_000_000)
        )
        #expect(Timestamp(rfc3339: "2023-11-14T22:13:20Z") == Timestamp(seconds: 1_700_000_000))
    }

    @Test(arguments: [
        "", "2023-11-14", "2023-13-01T00:00:00Z", "2023-11-14T22:13:20", "2023-11-14T22:13:20.Z",
        "2023-11-14T22:13:20Zx",
    ])
    func refuses(_ text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }
}

@Suite struct Base64Tests {
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("AWS:pw", "QVdTOnB3"),
    ])
    func roundTrip(_ plain: String, _ encoded: String) {
        #expect(Base64.encode(Array(plain.utf8)) == encoded)
        #expect(Base64.decode(encoded) == Array(plain.utf8))
        #expect(Base64.decode(encoded.split(separator: "=").first.map(String.init) ?? "") == Array(plain.utf8))
    }

    @Test(arguments: ["A", "A===", "Zg=", "Z*==", "Zm9v="])
    func refuses(_ text: String) {
        #expect(Base64.decode(text) == nil)
    }
}

@Suite struct HTTPDateTests {
    @Test(
        arguments: [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Tue, 29 Feb 2000 12:00:00 GMT", 951_825_600),
            ("Tue, 31 Dec 2099 23:59:59 GMT", 4_102_444_799), ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777),
            ("Sun Nov  6 08:49:37 1994", 784_111_777), ("yesterday", nil), ("Sun, 06 Nov 1994 08:49:37 CET", nil),
        ] as [(String, Int64?)]
    )
    func reads(_ text: String, _ seconds: Int64?) {
        #expect(HTTPDate.parse(text) == seconds)
    }
}

@Suite struct PathCleaningTests {
    @Test(arguments: [
        ("", "."), ("a//b/./c/", "a/b/c"), ("/a/../..", "/"), ("../a/../..", "../.."), ("/./x", "/x"), ("a/..", "."),
        ("/..//a", "/a"),
    ])
    func cleans(_ path: String, _ expected: String) {
        #expect(PathCleaning.clean(path) == expected)
    }
}
