import ImgHTTP
import ImgTestKit
import Testing

@Suite(.timeLimit(.minutes(1)))
struct HTTPClientTests {
    @Test func getsHeadersAndBody() async throws {
        let server = try ScriptedServer { exchange in
            ServerResponse(
                200,
                headers: [("X-One", "1"), ("x-one", "2")],
                text: "\(exchange.method) \(exchange.target)"
            )
        }
        let response = try await HTTPClient().send(HTTPRequest(url: server.url + "/a/../b?q=%2B"))
        #expect(response.status == 200)
        #expect(response.httpVersion == "HTTP/1.1")
        #expect(response.headers.values("X-ONE") == ["1", "2"])
        #expect(response.remoteAddress == server.authority)
        #expect(try await response.body.collect(limit: 100) == Array("GET /a/../b?q=%2B".utf8))
    }

    @Test func sendsWhatItWasGivenAndNothingElse() async throws {
        let server = try ScriptedServer { _ in
            ServerResponse(302, headers: [("Location", "/next"), ("Set-Cookie", "a=b")])
        }
        let client = HTTPClient(configuration: HTTPConfiguration(userAgent: "imgbuild/1 (linux; amd64)"))
        for _ in 0..<2 {
            let response = try await client.send(
                HTTPRequest(url: server.url, headers: ["Authorization": "Bearer x", "X-Empty": ""])
            )
            #expect(response.status == 302)
        }
        #expect(server.requests.count == 2, "redirects are not followed")
        let seen = try #require(server.requests.last)
        #expect(seen["User-Agent"] == "imgbuild/1 (linux; amd64)")
        #expect(seen["Authorization"] == "Bearer x")
        #expect(seen["X-Empty"] == "")
        for absent in ["Expect", "Accept-Encoding", "Cookie", "Content-Length", "Transfer-Encoding"] {
            #expect(seen[absent] == nil, "\(absent)")
        }
        #expect(server.connectionCount == 1, "the connection is used again")
    }

    @Test(arguments: [HTTPMethod.post, .put, .patch]) func announcesAnEmptyBody(method: HTTPMethod) async throws {
        let server = try ScriptedServer { _ in ServerResponse(202) }
        let client = HTTPClient()
        for body in [HTTPBody.none, .empty] {
            let response = try await client.send(HTTPRequest(method: method, url: server.url, body: body))
            #expect(response.status == 202)
        }
        #expect(server.requests.count == 2)
        for request in server.requests {
            #expect(request.method == method.rawValue)
            #expect(request["Content-Length"] == "0")
            #expect(request["Content-Type"] == nil)
        }
    }

    @Test func headHasNoBody() async throws {
        let server = try ScriptedServer { _ in ServerResponse(200, headers: [("Content-Length", "12345")]) }
        let client = HTTPClient()
        for _ in 0..<2 {
            let response = try await client.send(HTTPRequest(method: .head, url: server.url))
            #expect(response.headers.contentLength == 12345)
            #expect(try await response.body.collect(limit: 0).isEmpty)
        }
        #expect(server.connectionCount == 1)
    }

    @Test func sendsADelete() async throws {
        let server = try ScriptedServer { _ in ServerResponse(202) }
        let response = try await HTTPClient().send(HTTPRequest(method: .delete, url: server.url + "/x"))
        #expect(response.status == 202)
        #expect(server.requests.first?.method == "DELETE")
    }

    @Test func passesOverInterimAnswersAndTrailers() async throws {
        let server = try ScriptedServer { exchange in
            try exchange.write(
                "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
            try exchange.write("3\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n")
            return nil
        }
        let response = try await HTTPClient().send(HTTPRequest(url: server.url))
        #expect(response.status == 200)
        #expect(response.headers["Link"] == nil)
        #expect(try await response.body.collect(limit: 10) == Array("abc".utf8))
    }

    @Test func doesNotDecodeBodies() async throws {
        let bytes: [UInt8] = [0x1F, 0x8B, 1, 2, 3]
        let server = try ScriptedServer { _ in ServerResponse(200, headers: [("Content-Encoding", "gzip")], body: bytes)
        }
        let response = try await HTTPClient().send(HTTPRequest(url: server.url))
        #expect(try await response.body.collect(limit: 10) == bytes)
    }

    @Test func limitsWhatItCollects() async throws {
        let server = try ScriptedServer { _ in ServerResponse(200, body: Array(repeating: 1, count: 100_000)) }
        let client = HTTPClient()
        let error = await #expect(throws: HTTPError.self) {
            try await client.send(HTTPRequest(url: server.url)).body.collect(limit: 99_999)
        }
        #expect(error?.code == .tooLarge)
        #expect(try await client.send(HTTPRequest(url: server.url)).body.collect(limit: 100_000).count == 100_000)
    }

    @Test func manyRequestsAtOnceShareFewConnections() async throws {
        let server = try ScriptedServer { exchange in ServerResponse(200, text: exchange.target) }
        let client = HTTPClient(configuration: HTTPConfiguration(maxConnectionsPerHost: 4))
        let url = server.url
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<200 {
                group.addTask {
                    let body = try await client.send(HTTPRequest(url: "\(url)/\(number)")).body.collect(limit: 100)
                    #expect(String(decoding: body, as: UTF8.self) == "/\(number)")
                }
            }
            try await group.waitForAll()
        }
        #expect(server.requests.count == 200)
        #expect((1...4).contains(server.connectionCount))
    }

    @Test func waitingForAConnectionIsNotATimeout() async throws {
        let server = try ScriptedServer { _ in
            pause(seconds: 0.7)
            return ServerResponse(200)
        }
        let configuration = HTTPConfiguration(connectTimeout: .milliseconds(300), maxConnectionsPerHost: 1)
        let client = HTTPClient(configuration: configuration)
        let url = server.url
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<3 { group.addTask { try await client.send(HTTPRequest(url: url)).status } }
            for try await status in group { #expect(status == 200) }
        }
        #expect(server.connectionCount == 1)
    }

    @Test(arguments: [
        HTTPRequest(url: "reg.example.com/v2/"),
        HTTPRequest(url: "ftp://reg.example.com/"),
        HTTPRequest(url: "file:///etc/passwd"),
        HTTPRequest(url: "http://user:geheim@127.0.0.1/"),
        HTTPRequest(url: "http://127.0.0.1/ x"),
        HTTPRequest(url: "http://127.0.0.1/", headers: ["X": "a\r\nY: b"]),
        HTTPRequest(url: "http://127.0.0.1/", headers: ["X": "a\u{0}"]),
        HTTPRequest(url: "http://127.0.0.1/", headers: ["X Y": "a"]),
        HTTPRequest(method: HTTPMethod(rawValue: "GET /\r\n"), url: "http://127.0.0.1/"),
    ])
    func refusesUnsafeRequests(request: HTTPRequest) async {
        let error = await #expect(throws: HTTPError.self) { try await HTTPClient().send(request) }
        #expect(error?.code == .invalidRequest)
        #expect(error?.description.contains("geheim") == false)
    }

    @Test func tracesEachTransfer() async throws {
        let traces = Collected<HTTPTrace>()
        let server = try ScriptedServer { _ in ServerResponse(201, text: "abcd") }
        let client = HTTPClient(configuration: HTTPConfiguration(trace: { traces.append($0) }))
        let request = HTTPRequest(method: .put, url: server.url + "/x?sig=secret", body: .bytes([1, 2, 3]))
        _ = try await client.send(request).body.collect(limit: 10)
        #expect(try await eventually { !traces.all.isEmpty })
        let trace = try #require(traces.all.first)
        #expect(trace.status == 201)
        #expect(trace.method == .put)
        #expect(trace.url == server.url + "/x?sig=***")
        #expect(trace.sent == 3)
        #expect(trace.received == 4)
        #expect(trace.httpVersion == "HTTP/1.1")
        #expect(trace.remoteAddress == server.authority)
        #expect(trace.error == nil)
    }

    @Test func shutdownEndsWhatIsUnderWay() async throws {
        let server = try ScriptedServer { exchange in
            _ = exchange.waitForClose(seconds: 20)
            exchange.reset()
            return nil
        }
        let client = HTTPClient()
        let url = server.url
        let task = Task { try await client.send(HTTPRequest(url: url)) }
        while server.requests.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        client.shutdown()
        let error = await #expect(throws: HTTPError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        let later = await #expect(throws: HTTPError.self) { try await client.send(HTTPRequest(url: url)) }
        #expect(later?.code == .cancelled)
    }
}
