import ImgCredentials
import ImgOCI
import ImgRegistry
import ImgTestKit
import Testing

/// A registry that has repositories under other names, as `registries.conf` says (MIR-7).
@Suite(.timeLimit(.minutes(1))) struct RewriteTests {
    /// Asks for tokens, and answers at `/token`.
    private func registry(_ override: @escaping FakeRegistry.Override = { _, _ in .standard }) throws -> FakeRegistry {
        try FakeRegistry { exchange, content in
            if exchange.path == "/token" { return .response(ServerResponse(200, text: "{\"token\":\"tok\"}")) }
            guard exchange["Authorization"] == "Bearer tok" else {
                let realm = "Bearer realm=\"http://\(exchange["Host"] ?? "")/token\",service=\"reg\""
                return .response(answer(401, "UNAUTHORIZED", headers: [("WWW-Authenticate", realm)]))
            }
            return try override(exchange, content)
        }
    }

    private func scopes(_ registry: FakeRegistry) -> [String] {
        registry.requests.filter { $0.target.hasPrefix("/token") }
            .flatMap { $0.target.split(separator: "&").filter { $0.hasPrefix("scope=") }.map(String.init) }
    }

    private func with(_ registry: FakeRegistry, _ body: (TestClient) async throws -> Void) async throws {
        try await Scratch.with { scratch in
            let text = "[[registry]]\nprefix = \"reg.example/team\"\nlocation = \"\(registry.host)/corp/hub\"\n"
            let file = try scratch.write("registries.conf", Array(text.utf8))
            var hosts = HostSettings.bare()
            hosts.registriesFiles = [file]
            try await body(TestClient(hosts: hosts))
        }
    }

    @Test func readsAllPagesUnderTheNewName() async throws {
        let registry = try registry { exchange, _ in
            guard exchange.path == "/v2/corp/hub/app/tags/list" else { return .standard }
            let isFirst = exchange.value("last") == nil
            let next = "</v2/corp/hub/app/tags/list?n=1000&last=b>; rel=\"next\""
            let body = "{\"name\":\"corp/hub/app\",\"tags\":\(isFirst ? "[\"a\",\"b\"]" : "[\"c\"]")}"
            return .response(ServerResponse(200, headers: isFirst ? [("Link", next)] : [], text: body))
        }
        try await with(registry) { test in
            let tags = try await test.pull("reg.example").tags()
            #expect(tags == ["a", "b", "c"])
            #expect(scopes(registry) == ["scope=repository%3Acorp%2Fhub%2Fapp%3Apull"])
        }
    }

    @Test func mountsFromTheNewName() async throws {
        let layer = Sample.blob(1000)
        let registry = try registry()
        try await with(registry) { test in
            let remote = try test.push("reg.example")
            let hints = UploadHints(mountSources: ["team/base"])
            try await remote.upload(layer.descriptor, body: .bytes(layer.bytes), hints: hints)
            #expect(registry.count("POST", containing: "/v2/corp/hub/app/blobs/uploads/?mount=") == 1)
            #expect(registry.count("POST", containing: "&from=corp%2Fhub%2Fbase") == 1)
            #expect(
                scopes(registry) == [
                    "scope=repository%3Acorp%2Fhub%2Fapp%3Apull%2Cpush", "scope=repository%3Acorp%2Fhub%2Fbase%3Apull",
                ]
            )
        }
    }
}
