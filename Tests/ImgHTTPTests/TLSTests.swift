import ImgHTTP
import ImgTestKit
import Testing

@Suite(.timeLimit(.minutes(1)))
struct TLSTests {
    private func failure(_ request: HTTPRequest) async throws -> HTTPError? {
        await #expect(throws: HTTPError.self) { try await HTTPClient().send(request) }
    }

    @Test func trustsTheGivenRoots() async throws {
        let server = try await ForeignServer.tls()
        let url = "https://127.0.0.1:\(server.announcement)/"
        let roots = TLSSettings(caPEM: try server.authority())
        let client = HTTPClient()
        let response = try await client.send(HTTPRequest(url: url, tls: roots))
        #expect(try await response.body.collect(limit: 100) == Array("hello ".utf8))
        let upload = HTTPRequest(
            method: .put,
            url: url,
            body: .bytes(Array(repeating: 1, count: 3_000_000)),
            tls: roots
        )
        #expect(try await client.send(upload).status == 201)
    }

    /// Certificates under the hashes of their names, as in /etc/ssl/certs.
    @Test func trustsTheRootsOfADirectory() async throws {
        let server = try await ForeignServer.tls()
        let url = "https://127.0.0.1:\(server.announcement)/"
        try await Scratch.with { scratch in
            try scratch.write("roots/ca.pem", try server.authority())
            var tls = TLSSettings()
            tls.caDirectory = scratch["roots"]
            #expect(try await failure(HTTPRequest(url: url, tls: tls))?.code == .tlsVerify)
            try await Program.output("openssl", ["rehash", scratch["roots"]])
            let response = try await HTTPClient().send(HTTPRequest(url: url, tls: tls))
            #expect(try await response.body.collect(limit: 100) == Array("hello ".utf8))
        }
    }

    @Test func refusesUnknownIssuers() async throws {
        let server = try await ForeignServer.tls()
        let url = "https://127.0.0.1:\(server.announcement)/"
        let error = try await failure(HTTPRequest(url: url))
        #expect(error?.code == .tlsVerify)
        #expect(error?.retry == .never)
        #expect(error?.message.contains("127.0.0.1:\(server.announcement)") == true)
        let unverified = HTTPRequest(url: url, tls: TLSSettings(verify: false))
        #expect(try await HTTPClient().send(unverified).status == 200)
    }

    @Test func trustIsNotInheritedFromAnOpenConnection() async throws {
        let server = try await ForeignServer.tls()
        let url = "https://127.0.0.1:\(server.announcement)/"
        let client = HTTPClient()
        let loose = HTTPRequest(url: url, tls: TLSSettings(verify: false))
        _ = try await client.send(loose).body.collect(limit: 100)
        let error = await #expect(throws: HTTPError.self) { try await client.send(HTTPRequest(url: url)) }
        #expect(error?.code == .tlsVerify)
    }

    @Test func refusesOtherNames() async throws {
        let server = try await ForeignServer.tls(name: "DNS:other.example")
        let tls = TLSSettings(caPEM: try server.authority())
        let error = try await failure(HTTPRequest(url: "https://127.0.0.1:\(server.announcement)/", tls: tls))
        #expect(error?.code == .tlsVerify)
        #expect(error?.message.contains("127.0.0.1") == true)
    }

    @Test func refusesExpiredCertificates() async throws {
        let server = try await ForeignServer.tls(days: -1)
        let tls = TLSSettings(caPEM: try server.authority())
        let error = try await failure(HTTPRequest(url: "https://127.0.0.1:\(server.announcement)/", tls: tls))
        #expect(error?.code == .tlsVerify)
        #expect(error?.message.contains("expired") == true)
    }

    @Test func refusesUnusableRoots() async throws {
        let server = try await ForeignServer.tls()
        let tls = TLSSettings(caPEM: Array("no certificate".utf8))
        let error = try await failure(HTTPRequest(url: "https://127.0.0.1:\(server.announcement)/", tls: tls))
        #expect(error?.code == .tlsVerify)
    }

    @Test func presentsTheClientCertificateOnlyIfGiven() async throws {
        let server = try await ForeignServer.tls(wantsClientCertificate: true)
        let url = "https://127.0.0.1:\(server.announcement)/"
        var tls = TLSSettings(caPEM: try server.authority())
        let client = HTTPClient()
        let bare = HTTPRequest(url: url, tls: tls)
        tls.clientCertificate = .init(
            certificatePath: server["client.pem"],
            keyPath: server["client.key"]
        )
        let response = try await client.send(HTTPRequest(url: url, tls: tls))
        #expect(try await response.body.collect(limit: 100) == Array("hello client".utf8))
        let error = await #expect(throws: HTTPError.self) { try await client.send(bare) }
        #expect(error?.code == .tlsHandshake)
        tls.clientCertificate = .init(certificatePath: "/nonexistent", keyPath: "/nonexistent")
        #expect(try await failure(HTTPRequest(url: url, tls: tls))?.code == .tlsHandshake)
    }

    @Test func talksToUnixSockets() async throws {
        let server = try await ForeignServer.unixSocket()
        var request = HTTPRequest(url: "http://docker/v1.41/_ping")
        request.unixSocket = server["socket"]
        let response = try await HTTPClient().send(request)
        #expect(try await response.body.collect(limit: 100) == Array("GET /v1.41/_ping HTTP/1.1".utf8))
        request.unixSocket = server["absent"]
        let error = try await failure(request)
        #expect(error?.code == .connect)
        #expect(error?.message.contains("/absent") == true)
    }
}
