import ImgHTTP
import Testing

struct ProxySelectionTests {
    static let proxies = ["HTTPS_PROXY": "http://p.example:3128", "http_proxy": "q.example:80"]

    @Test(
        arguments: [
            ("https://reg.example.com/", [:], nil),
            ("https://reg.example.com/", proxies, "http://p.example:3128"),
            ("http://reg.example.com/", proxies, "http://q.example:80"),
            ("http://reg.example.com/", ["HTTP_PROXY": "q"], "http://q"),
            ("https://reg.example.com/", ["all_proxy": "socks5h://s:1080"], "socks5h://s:1080"),
            ("https://reg.example.com/", ["ALL_PROXY": "s", "https_proxy": "t"], "http://t"),
            ("https://reg.example.com/", ["https_proxy": "low", "HTTPS_PROXY": "up"], "http://low"),
            ("https://reg.example.com/", ["https_proxy": "", "HTTPS_PROXY": "up"], "http://up"),
            // Passwords as people write them: no mark in them ends the user info.
            (
                "https://reg.example.com/", ["https_proxy": "http://joe:a@b/c#d?e@p:1"],
                "http://joe:a%40b%2Fc%23d%3Fe@p:1"
            ),
            ("https://reg.example.com/", ["https_proxy": "joe:a%40b%zz@p:1"], "http://joe:a%40b%25zz@p:1"),
            ("https://reg.example.com/", ["https_proxy": "http://joe@p"], "http://joe@p"),
        ] as [(String, [String: String], String?)]
    )
    func chooses(url: String, environment: [String: String], proxy: String?) throws {
        #expect(ProxySelection.proxy(for: try #require(URLParts(url)), environment: environment) == proxy)
    }

    @Test(arguments: [
        ("example.com", "https://example.com", true),
        ("example.com", "https://a.example.com", true),
        ("EXAMPLE.com", "https://a.example.COM", true),
        ("example.com", "https://badexample.com", false),
        (".example.com", "https://a.example.com", true),
        (".example.com", "https://example.com", false),
        ("*.example.com", "https://a.example.com", true),
        ("*.example.com", "https://example.com", false),
        ("10.0.0.0/8", "https://10.1.2.3", true),
        ("10.0.0.0/8", "https://11.1.2.3", false),
        ("10.0.0.0/8", "https://ten.example", false),
        ("172.16.0.0/12", "https://172.31.0.1", true),
        ("172.16.0.0/12", "https://172.32.0.1", false),
        ("2001:db8::/32", "https://[2001:db8::5]", true),
        ("192.0.2.7", "https://192.0.2.7", true),
        ("192.0.2.7", "https://192.0.2.70", false),
        ("reg.local:5000", "https://reg.local:5000", true),
        ("reg.local:5000", "https://reg.local", false),
        ("reg.local:443", "https://reg.local", true),
        ("[2001:db8::1]", "https://[2001:db8::1]:5000", true),
        ("[2001:db8::1]:5000", "https://[2001:db8::1]", false),
        ("2001:db8::1", "https://[2001:db8::1]", true),
        ("*", "https://anything.example", true),
        (" a.example , example.com ,, ", "https://example.com", true),
        ("a.example example.com", "https://example.com", true),
        (",", "https://example.com", false),
        ("", "https://127.0.0.1:5000", true),
        ("", "https://127.1", true),
        ("", "http://localhost:5000", true),
        ("", "http://app.localhost", true),
        ("", "http://[::1]:5000", true),
        ("", "http://169.254.169.254/latest", true),
        ("", "http://[fd00:ec2::254]/latest", true),
        ("", "https://10.0.0.1", false),
    ])
    func excludes(list: String, url: String, direct: Bool) throws {
        let environment = ["all_proxy": "http://p:1", "NO_PROXY": list]
        let proxy = ProxySelection.proxy(for: try #require(URLParts(url)), environment: environment)
        #expect((proxy == nil) == direct)
    }

    @Test func namesConflictingVariables() {
        let environment = ["https_proxy": "a", "HTTPS_PROXY": "b", "no_proxy": "x", "NO_PROXY": "x", "HTTP_PROXY": "c"]
        #expect(ProxySelection.conflicts(environment: environment) == ["https_proxy"])
    }
}
