import ImgOCI
import ImgTasks
import ImgTestKit
import Testing

@testable import ImgRegistry

struct HostsFileTests {
    private func read(
        _ text: String,
        host: String = "docker.io",
        api: String = "registry-1.docker.io"
    ) throws -> HostsFile.Reading {
        let table = try TOML.parse(Array(text.utf8))
        return try HostsFile.read(table, directory: "/etc/x", namespace: host, defaultHost: api)
    }

    @Test func directoriesOfTheUserReplaceTheSystems() {
        let system = HostSettings(environment: [:], home: "/home/u")
        #expect(system.hostsDirectories == ["/etc/containerd/certs.d"])
        let own = HostSettings(environment: [:], home: "/home/u", hostsDirectories: ["/a", "/b"])
        #expect(own.hostsDirectories == ["/a", "/b"])
    }

    @Test func keepsTheOrderOfMirrors() throws {
        let reading = try read(
            """
            server = "https://registry-1.docker.io"
            [host."https://z.example.com"]
              capabilities = ["pull", "resolve"]
            [host."https://a.example.com:8443/proxy"]
              ca = "ca.pem"
              client = [["/c.pem", "k.pem"]]
              skip_verify = true
              [host."https://a.example.com:8443/proxy".header]
                X-Token = ["a", "b"]
                Authorization = "Basic xyz"
            [host."http://plain.local/root"]
              override_path = true
            """
        )
        #expect(
            reading.endpoints.map(\.authority) == [
                "z.example.com", "a.example.com:8443", "plain.local", "registry-1.docker.io",
            ]
        )
        #expect(reading.endpoints.map(\.root) == ["/v2", "/proxy/v2", "/root", "/v2"])
        #expect(reading.endpoints.map(\.namespace) == ["docker.io", "docker.io", "docker.io", nil])
        let second = reading.endpoints[1]
        #expect(second.trust.authorityFiles == ["/etc/x/ca.pem"])
        #expect(second.trust.clientCertificate == .init(certificate: "/c.pem", key: "/etc/x/k.pem"))
        #expect(!second.trust.verifies)
        #expect(second.headers.map(\.value) == ["a", "b"])
        #expect(!second.capabilities.contains(.push))
        #expect(reading.endpoints[2].scheme == "http")
        #expect(reading.warnings.isEmpty)
    }

    @Test func tableOfTheRegistryItselfHoldsForPushes() throws {
        let reading = try read("[host.\"https://reg.local\"]\nca = \"ca.pem\"", host: "reg.local", api: "reg.local")
        #expect(reading.endpoints.map(\.authority) == ["reg.local"])
        let target = HostConfiguration(endpoints: reading.endpoints, source: "").pushEndpoint
        #expect(target?.trust.authorityFiles == ["/etc/x/ca.pem"])
        // Another root on the same host is another place.
        let cache = "[host.\"https://reg.local/v2/cache\"]\noverride_path = true"
        let both = try read(cache, host: "reg.local", api: "reg.local")
        #expect(both.endpoints.map(\.root) == ["/v2/cache", "/v2"])
    }

    @Test func pushesThroughMirrorsOnlyWhenTold() throws {
        let plain = try read("[host.\"https://m\"]")
        #expect(
            HostConfiguration(endpoints: plain.endpoints, source: "").pushEndpoint?.authority == "registry-1.docker.io"
        )
        let told = try read("[host.\"https://m\"]\ncapabilities = [\"push\"]")
        #expect(HostConfiguration(endpoints: told.endpoints, source: "").pushEndpoint?.authority == "m")
    }

    @Test func refusesUnknownCapabilitiesAndReportsUnknownKeys() throws {
        #expect(throws: TOMLError.self) { try read("[host.\"https://m\"]\ncapabilities = [\"fly\"]") }
        #expect(try read("[host.\"https://m\"]\ncolour = 1").warnings == ["unknown key \"colour\" of https://m"])
    }

    @Test func readsBuildkitMirrors() throws {
        let text = """
            [registry."docker.io"]
              mirrors = ["mirror.local:5000/hub", "other.local"]
            [registry."mirror.local:5000"]
              http = true
            [registry."other.local"]
              insecure = true
              ca = ["/ca.pem"]
            """
        let table = try TOML.parse(Array(text.utf8))
        let endpoints = try #require(
            BuildkitFile.read(table, namespace: "docker.io", defaultHost: "registry-1.docker.io")
        )
        #expect(endpoints.map(\.authority) == ["mirror.local:5000", "other.local", "registry-1.docker.io"])
        #expect(endpoints.map(\.root) == ["/v2/hub", "/v2", "/v2"])
        #expect(endpoints[0].scheme == "http")
        #expect(endpoints[1].trust == HostTrust(authorityFiles: ["/ca.pem"], verifies: false, allowsPlainHTTP: true))
        #expect(BuildkitFile.read(table, namespace: "quay.io", defaultHost: "quay.io") == nil)
    }

    @Test func readsPodmanRegistries() throws {
        let text = """
            unqualified-search-registries = ["docker.io"]
            [[registry]]
            prefix = "example.com/team"
            location = "internal.local/mirror/team"
            [[registry.mirror]]
            location = "fast.local/mirror/team"
            insecure = true
            pull-from-mirror = "digest-only"
            [[registry]]
            location = "bad.example.com"
            blocked = true
            [[registry]]
            prefix = "*.wild.org"
            location = "wild.local"
            """
        let table = try TOML.parse(Array(text.utf8))
        let found = try #require(
            RegistriesFile.read(table, host: "example.com", path: "team/app", defaultHost: "example.com")
        )
        #expect(found.endpoints.map(\.authority) == ["fast.local", "internal.local"])
        #expect(found.endpoints[0].capabilities == [.pull])
        #expect(!found.endpoints[0].trust.verifies)
        #expect(found.rewrite?.apply("team/app") == "mirror/team/app")
        let bare = HostConfiguration.PathRewrite(prefix: "team", replacement: "")
        #expect(bare.apply("team/app") == "app")
        #expect(bare.apply("teams/app") == "teams/app")
        #expect(
            RegistriesFile.read(table, host: "example.com", path: "teammate/app", defaultHost: "example.com") == nil
        )
        #expect(
            RegistriesFile.read(table, host: "bad.example.com", path: "x", defaultHost: "bad.example.com")?.isBlocked
                == true
        )
        let wild = RegistriesFile.read(table, host: "a.wild.org", path: "x", defaultHost: "a.wild.org")
        #expect(wild?.endpoints.map(\.authority) == ["wild.local"])
    }

    @Test(arguments: [
        ("localhost:5000", true), ("127.0.0.1:5000", true), ("app.localhost", true), ("[::1]:5000", true),
        ("localhost:443", false), ("localhost.example.org", false), ("10.0.0.1:5000", false), ("reg.lan:5000", true),
        ("reg.lan", false), ("a.test", true), ("172.16.9.9:1", true),
    ])
    func trustsPlainHTTPOnlyWhereAllowed(_ host: String, _ isAllowed: Bool) async throws {
        var settings = HostSettings.bare()
        settings.insecureHosts = ["reg.lan:5000", "*.test", "172.16.0.0/12"]
        let catalog = HostCatalog(settings: settings, pool: .init(threads: 1), events: RecordedEvents())
        let found = try await catalog.configuration(host: host, apiHost: host, path: "x")
        #expect(found.endpoints.last?.trust.allowsPlainHTTP == isAllowed)
    }

    @Test func findsCertificates() async throws {
        try await Scratch.with { scratch in
            for name in ["ca.crt", "me.cert", "me.key"] { try scratch.write("certs/reg.lan:5000/\(name)", "x") }
            try scratch.write("certs/half.lan/me.cert", "x")
            var settings = HostSettings.bare()
            settings.certificateDirectories = [scratch["certs"]]
            let catalog = HostCatalog(settings: settings, pool: .init(threads: 1), events: RecordedEvents())
            let trust = try await catalog.configuration(host: "reg.lan:5000", apiHost: "reg.lan:5000", path: "x")
                .endpoints[0].trust
            #expect(trust.authorityFiles == [scratch["certs/reg.lan:5000/ca.crt"]])
            #expect(trust.clientCertificate?.key == scratch["certs/reg.lan:5000/me.key"])
            let error = await #expect(throws: RegistryError.self) {
                try await catalog.configuration(host: "half.lan", apiHost: "half.lan", path: "x")
            }
            #expect(error?.reason == "me.cert is there without me.key")
        }
    }
}

struct TOMLTests {
    @Test func readsEveryKindOfValue() throws {
        let text = """
            # comment
            a.b = 'lit\\eral' # end
            "q k" = "tab\\t \\u00e9 \\"x\\""
            n = -1_000
            f = 1.5
            t = true
            list = [ "x", # comment
              'y', ]
            inline = { k = "v", n = { d = 1 } }
            multi = \"""
            one
            two\"""
            [t1.t2]
            x = 1
            [[arr]]
            y = 1
            [[arr]]
            y = 2
            [arr.sub]
            z = 3
            """
        let table = try TOML.parse(Array(text.utf8))
        #expect(table["a"]?.tableValue?["b"] == .string("lit\\eral"))
        #expect(table["q k"] == .string("tab\t é \"x\""))
        #expect(table["n"] == .integer(-1000))
        #expect(table["f"] == .other("1.5"))
        #expect(table["list"]?.strings == ["x", "y"])
        #expect(table["inline"]?.tableValue?["n"]?.tableValue?["d"] == .integer(1))
        #expect(table["multi"] == .string("one\ntwo"))
        #expect(table["t1"]?.tableValue?["t2"]?.tableValue?["x"] == .integer(1))
        #expect(table["arr"]?.arrayValue?.count == 2)
        #expect(table["arr"]?.arrayValue?[1].tableValue?["sub"]?.tableValue?["z"] == .integer(3))
    }

    @Test(arguments: [
        ("a = ", 1), ("a = 1\na = 2", 2), ("[a\nb = 1", 1), ("a = \"x", 1), ("\n\na = b", 3), ("a = [1, 2", 1),
        ("a = { b = 1", 1), ("= 1", 1), ("a = 1 b = 2", 1), ("a = 1\n[[a]]", 2), ("a = \"\\x\"", 1),
    ])
    func namesTheLineOfAnError(_ text: String, _ line: Int) {
        let error = #expect(throws: TOMLError.self) { try TOML.parse(Array(text.utf8)) }
        #expect(error?.line == line, "\(text)")
    }

    @Test func refusesDeepNesting() {
        let text = "a = " + String(repeating: "[", count: 1000)
        #expect(throws: TOMLError.self) { try TOML.parse(Array(text.utf8)) }
    }
}
