import ImgHTTP
import ImgOCI
import Testing

@testable import ImgRegistry

struct LocationTests {
    private static let base = "https://reg.example.com/v2/a/b/blobs/uploads/"

    /// The vectors of PUSH-15.
    @Test(arguments: [
        ("/v2/a/b/blobs/uploads/u1?_state=x%2By", "https://reg.example.com/v2/a/b/blobs/uploads/u1?_state=x%2By"),
        ("https://reg.example.com:443/v2/u1", "https://reg.example.com:443/v2/u1"),
        ("https://up.example.net/s/1?sig=Zm9v%3D", "https://up.example.net/s/1?sig=Zm9v%3D"),
        ("u1", "https://reg.example.com/v2/a/b/blobs/uploads/u1"),
        ("?id=7", "https://reg.example.com/v2/a/b/blobs/uploads/?id=7"),
        ("//up.example.net/z", "https://up.example.net/z"),
        ("reg.example.com/v2/u1", "https://reg.example.com/v2/u1"),
    ])
    func resolves(_ location: String, _ expected: String) {
        #expect(URLParts(Self.base)?.resolving(location) == expected)
    }

    private func objection(_ target: String, internal isInternal: Bool = false, plain: Bool = false) -> String? {
        let context = Redirect.Context(
            isRegistryInternal: isInternal,
            allowedHosts: ["allowed.localhost"],
            allowsPlainHTTP: plain
        )
        return Redirect.objection(to: target, from: Self.base, context)
    }

    @Test(arguments: [
        "http://169.254.169.254/x", "https://169.254.169.254/x", "https://metadata.google.internal/x",
        "https://127.0.0.1/x", "https://localhost/x", "https://10.1.2.3/x", "https://[::1]/x", "https://0x7f.1/x",
        "https://[::ffff:10.0.0.1]/", "https://192.168.1.1:8443/", "http://cdn.example.net/x", "file:///etc/passwd",
        "https://u:p@cdn.example.net/", "https://224.0.0.1/", "https://0.0.0.0/", "https://localhost./x",
        "https://a.localhost./x", "https://metadata.google.internal./x", "https://metadata.goog/x",
        "https://100.100.100.200/x", "https://[64:ff9b::a9fe:a9fe]/x", "https://[64:ff9b::7f00:1]/x",
        "https://[::127.0.0.1]/x", "https://[2002:a00:1::]/x", "https://168.63.129.16/x", "https://127.0.0.1./x",
    ])
    func refuses(_ target: String) {
        #expect(objection(target) != nil)
    }

    @Test(arguments: [
        "https://cdn.example.net/x", "https://reg.example.com:5000/x", "https://allowed.localhost/x",
        "https://8.8.8.8/x", "https://[64:ff9b::808:808]/x", "https://[2002:808:808::1]/x", "https://100.63.1.1/x",
        "https://100.128.0.1/x", "https://cdn.example.net./x",
    ])
    func follows(_ target: String) {
        #expect(objection(target) == nil)
    }

    @Test func internalRegistriesMayPointInside() {
        #expect(objection("https://10.1.2.3/x", internal: true) == nil)
        #expect(objection("http://cdn.example.net/x", plain: true) == nil)
    }

    @Test(arguments: [
        ("http://reg.example.com/v2/u1?a=%2F", Optional("https://reg.example.com/v2/u1?a=%2F")),
        ("http://reg.example.com:80/v2/u1", "https://reg.example.com/v2/u1"), ("http://other.example.com/v2/u1", nil),
        ("https://reg.example.com/v2/u1", nil),
    ])
    func keepsTLS(_ target: String, _ expected: String?) {
        #expect(Redirect.rewrittenToTLS(target, from: Self.base) == expected)
    }

    @Test func closesSessions() throws {
        let digest = SampleDigest.zeros
        let suffix = "digest=sha256%3A" + String(repeating: "0", count: 64)
        #expect(UploadSession.closing("https://h/u", digest) == "https://h/u?\(suffix)")
        #expect(UploadSession.closing("https://h/u?_state=x%2By", digest) == "https://h/u?_state=x%2By&\(suffix)")
    }

    @Test(arguments: [
        ("0-99", Int64?(100)), ("0-0", 0), ("0--1", 0), ("bytes=0-9", 10), ("5-9", nil), ("", nil), ("0-x", nil),
    ])
    func readsOffsets(_ text: String, _ expected: Int64?) {
        #expect(UploadSession.offset(fromRange: text) == expected)
    }

    @Test(arguments: [
        ([#"</v2/a/tags/list?last=b&n=2>; rel="next""#], Optional("/v2/a/tags/list?last=b&n=2")),
        ([#"<https://h/x>; title="a"; rel=next"#], "https://h/x"),
        ([#"</p>; rel="prev", </n>; rel="next""#], "/n"), ([#"</p>; rel="prev""#], nil), ([], nil), (["<broken"], nil),
    ])
    func findsTheNextPage(_ lines: [String], _ expected: String?) {
        #expect(LinkHeader.next(in: lines) == expected)
    }
}

enum SampleDigest {
    static let zeros = Digest(sha256: [UInt8](repeating: 0, count: 32))
}
