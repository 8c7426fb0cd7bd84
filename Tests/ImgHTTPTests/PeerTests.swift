import ImgHTTP
import ImgTestKit
import Testing

/// What a person and a retry loop are told when the peer is not as it should be.
@Suite(.timeLimit(.minutes(1)))
struct PeerTests {
    private func failure(_ request: HTTPRequest, _ configuration: HTTPConfiguration = .init()) async throws -> HTTPError
    {
        do {
            let response = try await HTTPClient(configuration: configuration).send(request)
            throw UnexpectedAnswer(status: response.status)
        } catch let error as HTTPError {
            return error
        }
    }

    private struct UnexpectedAnswer: Error {
        let status: Int
    }

    @Test func nothingListens() async throws {
        let server = try ScriptedServer { _ in nil }
        server.stop()
        let gone = server.authority
        try await Task.sleep(for: .milliseconds(100))
        let error = try await failure(HTTPRequest(url: "http://\(gone)/v2/?sig=geheim"))
        #expect(error.code == .connect)
        #expect(error.retry == .yes)
        #expect(error.curlCode == 7)
        #expect(error.message.contains(gone))
        #expect(!error.description.contains("geheim"))
    }

    @Test func theNameDoesNotResolve() async throws {
        let error = try await failure(HTTPRequest(url: "https://no-such-host.invalid/v2/"))
        #expect(error.code == .resolve)
        #expect(error.retry == .ifHostWorked)
        #expect(error.message.contains("no-such-host.invalid"))
    }

    /// libcurl keeps buffers in a handle whose transfer did not begin.
    @Test func aNameThatDoesNotResolveHarmsNobodyElse() async throws {
        let server = try ScriptedServer { _ in ServerResponse(200) }
        let client = HTTPClient(configuration: .init())
        for _ in 0..<3 {
            await #expect(throws: HTTPError.self) {
                _ = try await client.send(HTTPRequest(url: "http://no-such-host.invalid/"))
            }
            #expect(try await client.send(HTTPRequest(url: "http://\(server.authority)/")).status == 200)
        }
    }

    @Test func aProxyThatSpeaksClearText() async throws {
        let talker = try RawServer(greeting: "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        var request = HTTPRequest(url: "https://registry.invalid/v2/")
        request.proxy = "https://user:geheim@127.0.0.1:\(talker.port)"
        let error = try await failure(request)
        #expect(error.code == .proxy)
        #expect(error.message.contains("proxy 127.0.0.1:\(talker.port)") && error.message.contains("clear text"))
        #expect(!error.description.contains("geheim"))
    }

    @Test func clearTextOnATLSConnection() async throws {
        let talker = try RawServer(greeting: "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        let error = try await failure(HTTPRequest(url: "https://127.0.0.1:\(talker.port)/v2/"))
        #expect(error.code == .plainHTTPPeer)
        #expect(error.message.contains("127.0.0.1:\(talker.port)"))
        #expect(error.retry == .never)
    }

    @Test func theHandshakeIsCutOff() async throws {
        let talker = try RawServer(greeting: "")
        let error = try await failure(HTTPRequest(url: "https://127.0.0.1:\(talker.port)/v2/"))
        withExtendedLifetime(talker) {}
        #expect(error.code == .tlsHandshake)
        #expect(error.retry == .yes)
    }

    @Test func theConnectionTimesOut() async throws {
        // The handshake of TLS counts as connecting (NET-6).
        let silent = try SilentListener()
        var request = HTTPRequest(url: "https://127.0.0.1:\(silent.port)/")
        request.connectTimeout = .milliseconds(400)
        let start = ContinuousClock.now
        let error = try await failure(request)
        // Without this the listener may be gone as soon as its port is known.
        withExtendedLifetime(silent) {}
        #expect(error.code == .timeout)
        #expect(error.retry == .yes)
        #expect(ContinuousClock.now - start < .seconds(15))
    }

    @Test func theWholeTransferTakesTooLong() async throws {
        let server = try ScriptedServer { exchange in
            _ = exchange.waitForClose(seconds: 5)
            exchange.reset()
            return nil
        }
        var request = HTTPRequest(url: server.url)
        request.totalTimeout = .milliseconds(300)
        #expect(try await failure(request).code == .timeout)
    }

    @Test func aSilentServerStallsAGet() async throws {
        let server = try ScriptedServer { exchange in
            _ = exchange.waitForClose(seconds: 5)
            exchange.reset()
            return nil
        }
        let error = try await failure(HTTPRequest(url: server.url), HTTPConfiguration(stallTimeout: .milliseconds(300)))
        #expect(error.code == .stalled)
    }

    // MARK: Proxies

    @Test func plainRequestsGoThroughTheProxy() async throws {
        let proxy = try ScriptedServer { exchange in ServerResponse(200, text: exchange.target) }
        let request = HTTPRequest(url: "http://reg.invalid/v2/", proxy: "http://user:pa%20ss@\(proxy.authority)")
        let response = try await HTTPClient().send(request)
        #expect(try await response.body.collect(limit: 100) == Array("http://reg.invalid/v2/".utf8))
        #expect(proxy.requests.first?["Proxy-Authorization"] == "Basic dXNlcjpwYSBzcw==")
    }

    @Test func theProxyWantsCredentials() async throws {
        let proxy = try ScriptedServer { _ in ServerResponse(407, headers: [("Proxy-Authenticate", "Basic realm=x")]) }
        for url in ["http://reg.invalid/v2/", "https://reg.invalid/v2/"] {
            let request = HTTPRequest(
                url: url,
                headers: ["Authorization": "Bearer geheim"],
                proxy: "http://u:geheim@\(proxy.authority)"
            )
            let error = try await failure(request)
            #expect(error.code == .proxy)
            #expect(error.retry == .never)
            #expect(error.message.contains(proxy.authority) && error.message.contains("407"))
            #expect(!error.description.contains("geheim"))
        }
        let tunnel = try #require(proxy.requests.last)
        #expect(tunnel.method == "CONNECT")
        #expect(tunnel["Authorization"] == nil, "the origin's headers are not for the proxy")
    }

    @Test func theProxyRefusesTheTunnel() async throws {
        let proxy = try ScriptedServer { _ in ServerResponse(403, text: "no") }
        let error = try await failure(HTTPRequest(url: "https://reg.invalid/", proxy: proxy.authority))
        #expect(error.code == .proxy)
        #expect(error.message.contains("403"))
    }

    @Test(arguments: ["http://no-such-proxy.invalid:3128", "http://127.0.0.1:1", "gopher://127.0.0.1:1", "http://[x"])
    func theProxyIsNotThere(proxy: String) async throws {
        #expect(try await failure(HTTPRequest(url: "http://reg.invalid/", proxy: proxy)).code == .proxy)
    }
}

/// What a name turns out to be is judged before anything is connected to.
@Suite(.timeLimit(.minutes(1)))
struct AddressCheckTests {
    @Test func refusedAddressIsNotConnectedTo() async throws {
        let server = try ScriptedServer { _ in ServerResponse(200) }
        let client = HTTPClient()
        var request = HTTPRequest(url: "http://localhost:\(server.port)/")
        request.refusesAddress = { $0.isLoopback }
        let error = await #expect(throws: HTTPError.self) { try await client.send(request) }
        #expect(error?.code == .addressRefused)
        #expect(error?.message.contains("localhost has the internal address") == true)
        #expect(server.connectionCount == 0)
        request.refusesAddress = { $0.isPrivate }
        #expect(try await client.send(request).status == 200)
    }
}
