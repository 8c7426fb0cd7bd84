import ImgHTTP
import Testing

struct URLMaskTests {
    @Test(arguments: [
        ("https://user:secret@h/x", "https://***@h/x"),
        ("https://h/x?X-Amz-Signature=secret&a=1", "https://h/x?X-Amz-Signature=***&a=1"),
        ("https://h/x?a=1&SIG=secret&se=secret&sp=secret", "https://h/x?a=1&SIG=***&se=***&sp=***"),
        ("/v2/u?_state=secret", "/v2/u?_state=***"),
        ("https://h/x?%74oken=secret", "https://h/x?%74oken=***"),
        ("https://h/x?a=1&b=%zz&c", "https://h/x?a=1&b=%zz&c"),
        ("https://h/x@sha256:1", "https://h/x@sha256:1"),
        ("", ""),
    ])
    func masks(url: String, expected: String) {
        #expect(URLMask.mask(url) == expected)
    }

    @Test(arguments: [
        ("cannot fetch 'https://u:geheim@h/r.git/': no", "cannot fetch 'https://***@h/r.git/': no"),
        ("a https://t@h and\nhttps://t@i/?token=t b//c@d", "a https://***@h and\nhttps://***@i/?token=*** b//c@d"),
        ("nothing to hide: user@host", "nothing to hide: user@host"),
    ])
    func masksInText(text: String, expected: String) {
        #expect(URLMask.maskText(text) == expected)
    }

    @Test(arguments: [
        "X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token", "Signature", "Key-Pair-Id", "Policy", "sig",
        "se", "sp",
        "token", "access_token", "code", "_state", "GoogleAccessId",
    ])
    func hides(parameter: String) {
        #expect(!URLMask.mask("https://h/?a=b&\(parameter)=geheim").contains("geheim"))
    }

    @Test(arguments: [
        ("Authorization", "Bearer geheim", "Bearer ***"),
        ("proxy-authorization", "Basic geheim", "Basic ***"),
        ("Authorization", "geheim", "***"),
        ("X-Amz-Security-Token", "geheim", "***"),
        ("X-aws-ec2-metadata-token", "geheim", "***"),
        ("x-amz-sso_bearer_token", "geheim", "***"),
        ("Set-Cookie", "geheim", "***"),
        ("Location", "https://h/?sig=geheim", "https://h/?sig=***"),
        ("Content-Type", "text/plain", "text/plain"),
    ])
    func masksHeaders(name: String, value: String, expected: String) {
        #expect(URLMask.maskHeader(name: name, value: value) == expected)
    }
}

struct HTTPHeadersTests {
    @Test func findsFieldsByNameWithoutCase() {
        var headers: HTTPHeaders = ["Content-Type": "a", "Link": "1"]
        headers.add("link", "2")
        #expect(headers["CONTENT-TYPE"] == "a")
        #expect(headers.values("LINK") == ["1", "2"])
        headers["lInk"] = "3"
        #expect(headers.fields.map(\.value) == ["a", "3"])
        headers.remove("content-type")
        #expect(headers.fields.map(\.name) == ["lInk"])
    }

    @Test(
        arguments: [("12", 12), ("-1", nil), ("1x", nil), ("", nil), ("99999999999999999999", nil)]
            as [(String, Int64?)]
    )
    func readsTheLength(text: String, length: Int64?) {
        #expect((["content-length": text] as HTTPHeaders).contentLength == length)
    }
}

struct RetryAfterTests {
    @Test(
        arguments: [
            ("120", 120), (" 7 ", 7), ("0", 0),
            ("Sun, 06 Nov 1994 08:50:37 GMT", 60), ("Sunday, 06-Nov-94 08:50:37 GMT", 60),
            ("Sun Nov  6 08:50:37 1994", 60),
            ("Sun, 06 Nov 1994 08:00:00 GMT", 0), ("soon", nil), ("", nil), ("-5", nil),
            ("Sun, 06 Foo 1994 08:49:37 GMT", nil),
        ] as [(String, Int64?)]
    )
    func reads(text: String, seconds: Int64?) {
        #expect(RetryAfter.parse(text, now: 784_111_777) == seconds.map { .seconds($0) })
    }
}
