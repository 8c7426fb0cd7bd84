import Testing

@testable import ImgCredentials

@Suite struct RegistryKeyTests {
    @Test(arguments: [
        ("https://registry.example.com/v2/", "registry.example.com", "a", true),
        ("registry.example.com", "registry.example.com:5000", "a", false),
        ("registry.example.com:5000", "registry.example.com", "a", false),
        ("http://localhost:5000", "localhost:5000", "a", true),
        (hubKey, "docker.io", "library/alpine", true),
        ("docker.io", "docker.io", "library/alpine", true),
        ("index.docker.io", "registry-1.docker.io", "library/alpine", true),
        ("https://index.docker.io/v2/", "docker.io", "library/alpine", true),
        ("registry-1.docker.io/v1", "docker.io", "library/alpine", true),
        ("ghcr.io/org", "ghcr.io", "org/app", true),
        ("ghcr.io/org", "ghcr.io", "org", true),
        ("ghcr.io/org", "ghcr.io", "organisation/app", false),
        ("ghcr.io/org", "ghcr.io", "", false),
        ("GHCR.io", "ghcr.IO", "a", true),
        ("https://gitlab.com/jwt/auth", "gitlab.com", "g/p", true),
        ("notghcr.io", "ghcr.io", "a", false),
    ])
    func matches(key: String, host: String, path: String, expected: Bool) {
        #expect((RegistryKey(host: host, path: path).match(among: [key]) != nil) == expected)
    }

    @Test func prefersThePathThenTheExactHostThenHTTPS() {
        let keys = ["http://h.io", "https://h.io/v1/", "h.io", "h.io/a", "h.io/a/b", "h.io/c"]
        let expected = ["h.io/a/b", "h.io/a", "h.io", "https://h.io/v1/", "http://h.io"]
        #expect(RegistryKey(host: "h.io", path: "a/b/c").matches(among: keys) == expected)
        let schemes = ["http://h.io", "h.io/v2/", "https://h.io"]
        #expect(RegistryKey(host: "h.io").matches(among: schemes) == ["https://h.io", "h.io/v2/", "http://h.io"])
    }

    @Test func prefersDockersOwnKeyForTheHub() {
        let keys = ["docker.io", "index.docker.io", hubKey]
        #expect(
            RegistryKey(host: "docker.io", path: "a/b").matches(among: keys) == [
                hubKey, "index.docker.io", "docker.io",
            ]
        )
    }

    @Test(arguments: [
        ("docker.io", hubKey), ("https://index.docker.io/v1/", hubKey),
        ("https://H.example:5000/v2/", "h.example:5000"),
        ("ghcr.io", "ghcr.io"),
    ])
    func storesUnderTheHostAlone(host: String, key: String) {
        #expect(RegistryKey(host: host).storageKey == key)
    }
}
