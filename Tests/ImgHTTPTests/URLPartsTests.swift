import ImgHTTP
import Testing

struct URLPartsTests {
    @Test func takesAURLApart() throws {
        let url = try #require(URLParts("HTTPS://Reg.Example.com:5000/v2/A%2Fb?x=%2B&y=#part"))
        #expect(url.scheme == "https")
        #expect(url.host == "reg.example.com")
        #expect(url.port == 5000)
        #expect(url.path == "/v2/A%2Fb")
        #expect(url.query == "x=%2B&y=")
        #expect(url.authority == "reg.example.com:5000")
        #expect(url.description == "https://reg.example.com:5000/v2/A%2Fb?x=%2B&y=")
    }

    @Test func knowsBracketsAndUserInfo() throws {
        let url = try #require(URLParts("http://user:pass@[2001:DB8::1]:80"))
        #expect(url.host == "2001:db8::1")
        #expect(url.userInfo == "user:pass")
        #expect(url.origin == Origin(scheme: "http", host: "2001:db8::1", port: 80))
        #expect(url.authority == "[2001:db8::1]:80")
    }

    @Test(arguments: [
        "", "reg.example.com", "/v2/", "https://", "https:///v2/", "https://a b/", "https://a/\r\nX: y",
        "https://a/\u{0}",
        "https://a:0/", "https://a:65536/", "https://a:x/", "https://[::1/", "https://[x]/", "https://a\\b/",
        "1https://a/",
        "https://a%2Fb/", "https://\u{E4}.example/",
    ])
    func refuses(_ text: String) {
        #expect(URLParts(text) == nil)
    }

    @Test(arguments: [
        ("https://reg.example.com", "https://reg.example.com:443/x", true),
        ("http://reg.example.com:80", "http://REG.example.com", true),
        ("http://reg.example.com", "https://reg.example.com", false),
        ("https://reg.example.com:5000", "https://reg.example.com", false),
        ("https://a.example.com", "https://b.example.com", false),
    ])
    func comparesOrigins(first: String, second: String, same: Bool) throws {
        let one = try #require(URLParts(first))
        let other = try #require(URLParts(second))
        #expect((one.origin == other.origin) == same)
    }

    static let base = "https://reg.example.com/v2/a/b/blobs/uploads/"

    @Test(arguments: [
        ("/v2/a/b/blobs/uploads/u1?_state=x%2By", "https://reg.example.com/v2/a/b/blobs/uploads/u1?_state=x%2By"),
        ("https://reg.example.com:443/v2/u1", "https://reg.example.com:443/v2/u1"),
        ("https://up.example.net/s/1?sig=Zm9v%3D", "https://up.example.net/s/1?sig=Zm9v%3D"),
        ("u1", base + "u1"),
        ("?id=7", base + "?id=7"),
        ("//up.example.net/z", "https://up.example.net/z"),
        ("reg.example.com/v2/u1", "https://reg.example.com/v2/u1"),
        ("reg.example.com:443/v2/u1", "https://reg.example.com:443/v2/u1"),
        ("other.example.com/v2/u1", base + "other.example.com/v2/u1"),
        ("http://reg.example.com/v2/u1", "http://reg.example.com/v2/u1"),
        ("http://169.254.169.254/x", "http://169.254.169.254/x"),
        ("../x/./y?q=/../", "https://reg.example.com/v2/a/b/blobs/x/y?q=/../"),
        ("../../../../../../..", "https://reg.example.com/"),
        ("/a/../b", "https://reg.example.com/a/../b"),
        ("u1#part", base + "u1"),
        ("ftp://up.example.net/z", "ftp://up.example.net/z"),
    ])
    func resolves(location: String, expected: String) throws {
        #expect(try #require(URLParts(Self.base)).resolving(location) == expected)
    }

    @Test(arguments: ["", "#x", "file:/etc/passwd", "javascript:x", "https://a b", "/x\r\ny", "//", "//user@:1/"])
    func resolvesToNothing(location: String) throws {
        #expect(try #require(URLParts(Self.base)).resolving(location) == nil)
    }

    @Test func resolvesOnAPort() throws {
        let url = try #require(URLParts("http://reg.local:5000/v2/x/blobs/uploads"))
        #expect(url.resolving("reg.local:5000/v2/y") == "http://reg.local:5000/v2/y")
        #expect(url.resolving("/v2/y") == "http://reg.local:5000/v2/y")
        #expect(url.resolving("y") == "http://reg.local:5000/v2/x/blobs/y")
    }
}

struct IPAddressTests {
    @Test(arguments: [
        "127.0.0.1", "::1", "127.1", "2130706433", "0x7f000001", "[::1]", "::ffff:127.0.0.1", "127.0.0.1.",
    ])
    func loopback(host: String) throws {
        #expect(try #require(IPAddress(host: host)).isLoopback)
    }

    @Test(arguments: ["example.com", "10.example", "1.2.3.4.5", "", "localhost"])
    func names(host: String) {
        #expect(IPAddress(host: host) == nil)
    }

    @Test func classes() throws {
        #expect(try #require(IPAddress("169.254.169.254")).isLinkLocal)
        #expect(try #require(IPAddress("fd00:ec2::254")).isLinkLocal)
        #expect(try #require(IPAddress("fe80::1")).isLinkLocal)
        for text in [
            "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.1.1", "fd12::1",
        ] {
            #expect(try #require(IPAddress(text)).isPrivate, "\(text)")
        }
        for text in ["172.32.0.1", "11.0.0.1", "192.169.0.1", "2001:db8::1", "8.8.8.8"] {
            let address = try #require(IPAddress(text))
            #expect(!address.isPrivate && !address.isLoopback && !address.isLinkLocal, "\(text)")
        }
        for text in ["64:ff9b::a00:1", "::10.0.0.1", "2002:a00:1::7"] {
            #expect(try #require(IPAddress(text)).embedded == IPAddress("10.0.0.1"), "\(text)")
        }
        for text in ["::", "::1", "64:ff9b:1::a00:1", "2001:db8::a00:1", "10.0.0.1"] {
            #expect(try #require(IPAddress(text)).embedded == nil, "\(text)")
        }
        #expect(try #require(IPAddress("0.0.0.0")).isUnspecified)
        #expect(try #require(IPAddress("::")).isUnspecified)
        #expect(try #require(IPAddress("224.0.0.1")).isMulticast)
        #expect(try #require(IPAddress("ff02::1")).isMulticast)
    }
}
