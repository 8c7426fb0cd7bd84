import Glibc
import ImgCredentials
import ImgOCI
import ImgReport
import ImgTestKit
import Testing

@testable import ImgRegistry

/// Places that a registry names and that are not its own.
@Suite(.timeLimit(.minutes(1))) struct ForeignPlaceTests {
    /// An upload goes to a host that wants a token, which anybody gets there (PUSH-17).
    @Test func uploadHostGetsATokenOfItsOwn() async throws {
        let elsewhere = try ScriptedServer { exchange in
            if exchange.path == "/token" {
                let isAnonymous = exchange["Authorization"] == nil
                let token = "{\"token\":\"\(isAnonymous ? "guest" : "wrong")\"}"
                return ServerResponse(200, headers: [("Content-Type", "application/json")], text: token)
            }
            guard exchange["Authorization"] == "Bearer guest" else {
                let realm =
                    "Bearer realm=\"http://\(exchange["Host"] ?? "")/token\",service=\"up\",scope=\"upload:s1:put\""
                return ServerResponse(401, headers: [("WWW-Authenticate", realm)])
            }
            return ServerResponse(201)
        }
        defer { elsewhere.stop() }
        let registry = try FakeRegistry { exchange, _ in
            guard exchange.method == "POST" else { return .standard }
            return .response(ServerResponse(202, headers: [("Location", "\(elsewhere.url)/session?id=1")]))
        }
        let test = TestClient(credentials: [registry.host: .basic(user: "me", password: Secret("pw"))])
        let blob = Sample.blob(200_000)
        try await test.push(registry.host).upload(blob.descriptor, body: .bytes(blob.bytes))
        let requests = elsewhere.requests.filter { ["GET", "PUT"].contains($0.method) }
        #expect(requests.map { $0["Authorization"] } == [nil, nil, "Bearer guest"])
        #expect(requests[1].target.contains("scope=upload%3As1%3Aput"))
        #expect(!test.events.lines.contains { $0.contains("guest") })
    }

    /// PULL-21: in clear text only from a registry that is asked in clear text itself.
    @Test func foreignLayersComeFromTheirOwnPlace() async throws {
        let blob = Sample.blob(3000)
        let elsewhere = try ScriptedServer { _ in ServerResponse(200, body: blob.bytes) }
        defer { elsewhere.stop() }
        let registry = try FakeRegistry()
        var descriptor = blob.descriptor
        descriptor.urls = ["ftp://\(elsewhere.authority)/x", "\(elsewhere.url)/layer"]
        let test = TestClient(credentials: [registry.host: .basic(user: "me", password: Secret("pw"))])
        #expect(try await test.pull(registry.host).blob(descriptor) == blob.bytes)
        #expect(elsewhere.requests.filter { $0.method == "GET" }.map(\.target) == ["/layer"])
        #expect(elsewhere.requests.allSatisfy { $0["Authorization"] == nil })
    }

    @Test func uploadHostWithoutTokensIsFinal() async throws {
        let elsewhere = try ScriptedServer { _ in
            ServerResponse(401, headers: [("WWW-Authenticate", "Basic realm=\"give me the password\"")])
        }
        defer { elsewhere.stop() }
        let registry = try FakeRegistry { exchange, _ in
            guard exchange.method == "POST" else { return .standard }
            return .response(ServerResponse(202, headers: [("Location", "\(elsewhere.url)/session")]))
        }
        let test = TestClient(credentials: [registry.host: .basic(user: "me", password: Secret("pw"))])
        let blob = Sample.blob(1000)
        let error = try await failure {
            try await test.push(registry.host).upload(blob.descriptor, body: .bytes(blob.bytes))
        }
        #expect(error.code == .unauthorized)
        #expect(elsewhere.requests.allSatisfy { $0["Authorization"] == nil })
    }

    @Test func credentialsStayInTheDomainWhenTold() async throws {
        let registry = try FakeRegistry { _, _ in
            let realm = "Bearer realm=\"https://auth.unrelated.example/token\""
            return .response(ServerResponse(401, headers: [("WWW-Authenticate", realm)]))
        }
        try await Scratch.with { scratch in
            try scratch.write("registry.example/hosts.toml", "server = \"\(registry.server.url)\"\n")
            var hosts = HostSettings.bare()
            hosts.hostsDirectories = [scratch.path]
            hosts.isRealmStrict = true
            let account = Credential.basic(user: "me", password: Secret("pw"))
            let test = TestClient(credentials: ["registry.example": account], hosts: hosts)
            let error = try await failure { _ = try await test.pull("registry.example").resolve(.tag("v1")) }
            #expect(error.code == .blocked)
            #expect(error.buildError.diagnostics[0].hints == ["if that is intended, leave out --strict-realm"])
        }
    }

    private static func machine() -> String {
        var name = [CChar](repeating: 0, count: 256)
        #expect(unsafe gethostname(&name, name.count - 1) == 0)
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The registry's own name is an outside one, and what it names leads to this machine (SEC-4).
    @Test(arguments: [false, true]) func strictClientLooksAtAddresses(_ isRealm: Bool) async throws {
        let machine = Self.machine()
        let registry = try FakeRegistry { exchange, _ in
            guard exchange.path.contains("/blobs/") else { return .standard }
            let realm = [(name: "WWW-Authenticate", value: "Bearer realm=\"https://\(machine):9/token\"")]
            let redirect = [(name: "Location", value: "http://\(machine):9/internal")]
            return .response(isRealm ? ServerResponse(401, headers: realm) : ServerResponse(307, headers: redirect))
        }
        try await Scratch.with { scratch in
            try scratch.write("registry.example/hosts.toml", "server = \"\(registry.server.url)\"\n")
            for (isStrict, allowed, code) in [
                (true, [], RegistryError.Code.blocked), (true, [machine.lowercased()], .network), (false, [], .network),
            ] {
                var hosts = HostSettings.bare()
                hosts.hostsDirectories = [scratch.path]
                hosts.isAddressStrict = isStrict
                hosts.redirectHosts = Set(allowed)
                let test = TestClient(hosts: hosts)
                let error = try await failure {
                    _ = try await test.pull("registry.example").blob(Sample.blob(1000).descriptor)
                }
                #expect(error.code == code, "\(isStrict) \(allowed): \(error)")
                if code == .blocked {
                    #expect(error.reason.contains("internal address"))
                    #expect(error.buildError.diagnostics[0].hints.contains { $0.contains("--allow-redirect") })
                }
            }
        }
    }
}

/// Servers that compress what nobody asked them to (NET-3).
@Suite(.timeLimit(.minutes(1))) struct ContentEncodingTests {
    private static func compressed(_ bytes: [UInt8]) async throws -> [UInt8] {
        let text = String(decoding: bytes, as: UTF8.self)
        return try await Program.output("sh", ["-c", "gzip -c | od -An -v -tx1"], input: text)
            .split { $0 == " " || $0 == "\n" }.compactMap { UInt8($0, radix: 16) }
    }

    private static let encoding = [(name: "Content-Encoding", value: "gzip")]

    @Test func manifestsAndErrorsAreDecoded() async throws {
        let manifest = Sample.image(layer: .blob(10)).manifest
        let bytes = try await Self.compressed(manifest.bytes)
        let words = try await Self.compressed(Array(#"{"errors":[{"code":"DENIED","message":"not you"}]}"#.utf8))
        let registry = try FakeRegistry { exchange, _ in
            if exchange.path.hasSuffix("/manifests/forbidden") {
                let headers = Self.encoding + [("Content-Type", "application/json")]
                return .response(ServerResponse(403, headers: headers, body: words))
            }
            guard exchange.path.contains("/manifests/") else { return .standard }
            let headers =
                Self.encoding + [
                    ("Content-Type", manifest.descriptor.mediaType.rawValue),
                    ("Docker-Content-Digest", manifest.descriptor.digest.description),
                ]
            return .response(ServerResponse(200, headers: headers, body: bytes))
        }
        let remote = try TestClient().pull(registry.host)
        #expect(try await remote.resolve(.tag("v1")).bytes == manifest.bytes)
        #expect(try await remote.manifest(manifest.descriptor).bytes == manifest.bytes)
        // The length of the encoded form is not the size.
        #expect(try await remote.headManifest(.tag("v1"))?.size == manifest.descriptor.size)
        let error = try await failure { _ = try await remote.resolve(.tag("forbidden")) }
        #expect(error.answers.first?.message == "not you")
    }

    /// Whether bytes are to be decoded shows their number, or else their digest.
    @Test(arguments: [false, true], [false, true])
    func blobsAreWhatHasTheDigest(_ isStored: Bool, _ isLengthKnown: Bool) async throws {
        let text = Array("a configuration, or a layer\n".utf8) + Array(repeating: UInt8(ascii: "x"), count: 300_000)
        let encoded = try await Self.compressed(text)
        let blob = Sample(isStored ? encoded : text)
        let registry = try FakeRegistry { exchange, _ in
            guard exchange.path.contains("/blobs/") else { return .standard }
            if isLengthKnown { return .response(ServerResponse(200, headers: Self.encoding, body: encoded)) }
            try exchange.write("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n")
            try exchange.write("\(String(encoded.count, radix: 16))\r\n")
            try exchange.write(encoded + Array("\r\n0\r\n\r\n".utf8))
            return .done
        }
        let remote = try TestClient().pull(registry.host)
        #expect(try await remote.blob(blob.descriptor) == blob.bytes)
        #expect(registry.count("GET", containing: "/blobs/") == (isLengthKnown ? 1 : 2))
    }

    @Test func aBrokenEncodedBlobIsContinued() async throws {
        let blob = Sample((0..<400_000).map { UInt8(ascii: "a") + UInt8($0 * $0 % 26) })
        let encoded = try await Self.compressed(blob.bytes)
        let registry = try FakeRegistry { exchange, content in
            guard exchange.isBlob else { return .standard }
            #expect(exchange["Range"] == nil)
            let part = content.tick("get") == 1 ? encoded.count / 2 : encoded.count
            try exchange.write(
                "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: \(encoded.count)\r\n\r\n"
            )
            try exchange.write(Array(encoded[..<part]))
            exchange.close()
            return .done
        }
        #expect(try await TestClient().pull(registry.host).blob(blob.descriptor) == blob.bytes)
        #expect(registry.count("GET", containing: "/blobs/") == 2)
    }

    /// What is decoded is neither more nor other than announced.
    @Test(arguments: [9 << 20, 40]) func encodedBlobsAreChecked(_ count: Int) async throws {
        let bytes = try await Self.compressed(Array(repeating: UInt8(ascii: " "), count: count))
        let blob = Sample(Array(repeating: UInt8(ascii: "x"), count: 40))
        let registry = try FakeRegistry { exchange, _ in
            guard exchange.path.contains("/blobs/") else { return .standard }
            return .response(ServerResponse(200, headers: Self.encoding, body: bytes))
        }
        let error = try await failure { _ = try await TestClient().pull(registry.host).blob(blob.descriptor) }
        #expect(error.code == (count == 40 ? .digestMismatch : .sizeMismatch), "\(error)")
    }

    @Test func blobsAreTakenAsTheyAre() async throws {
        let blob = Sample(try await Self.compressed(Array("a layer, stored compressed".utf8)))
        let registry = try FakeRegistry { exchange, _ in
            guard exchange.path.contains("/blobs/") else { return .standard }
            return .response(ServerResponse(200, headers: Self.encoding, body: blob.bytes))
        }
        let remote = try TestClient().pull(registry.host)
        #expect(try await remote.blob(blob.descriptor) == blob.bytes)
        #expect(registry.requests.last?["Accept-Encoding"] == "identity")
        let other = Sample(Array(repeating: 7, count: blob.bytes.count))
        let error = try await failure { _ = try await remote.blob(other.descriptor) }
        #expect(error.code == .digestMismatch)
        #expect(error.notes.contains { $0.contains("encoded as gzip") })
    }

    @Test func aBombIsNotUnfolded() async throws {
        let bytes = try await Self.compressed(Array(repeating: UInt8(ascii: " "), count: 9 << 20))
        let registry = try FakeRegistry { exchange, _ in
            guard exchange.path.contains("/manifests/") else { return .standard }
            return .response(ServerResponse(200, headers: Self.encoding, body: bytes))
        }
        let error = try await failure { _ = try await TestClient().pull(registry.host).resolve(.tag("v1")) }
        #expect(error.code == .sizeMismatch)
    }
}
