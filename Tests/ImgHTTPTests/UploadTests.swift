import ImgHTTP
import ImgTasks
import ImgTestKit
import Testing

@Suite(.timeLimit(.minutes(1)))
struct UploadTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
    }

    /// A file of the test pattern.
    private func patternFile(size: Int) throws -> String { try scratch.write("file", pattern(from: 0, count: size)) }

    /// Checks each body against the pattern and answers 201, or 400 at the first wrong byte.
    static let checking: ScriptedServer.Handler = { exchange in
        let first = Int(exchange["X-First"] ?? "0") ?? 0
        var position = 0
        while true {
            let part = try exchange.readBody()
            if part.isEmpty { break }
            guard part == pattern(from: first + position, count: part.count) else { return ServerResponse(400) }
            position += part.count
        }
        return ServerResponse(201, text: "\(position)")
    }

    @Test(arguments: [1, 65_536, 3_000_001]) func sendsBytes(size: Int) async throws {
        let server = try ScriptedServer(handler: Self.checking)
        let counter = ByteCounter()
        var request = HTTPRequest(method: .put, url: server.url, body: .bytes(pattern(from: 0, count: size)))
        request.progress = counter
        let response = try await HTTPClient().send(request)
        #expect(response.status == 201)
        #expect(try await response.body.collect(limit: 100) == Array("\(size)".utf8))
        #expect(server.requests.first?["Content-Length"] == "\(size)")
        #expect(server.requests.first?["Transfer-Encoding"] == nil)
        #expect(counter.value == size)
    }

    @Test(arguments: [(0, 2_000_000), (1000, 1_500_000), (1_999_999, 1)])
    func sendsAPartOfAFile(offset: Int, length: Int) async throws {
        let server = try ScriptedServer(handler: Self.checking)
        let file = try patternFile(size: 2_000_000)
        let body = HTTPBody.file(path: file, offset: Int64(offset), length: Int64(length))
        let request = HTTPRequest(method: .patch, url: server.url, headers: ["X-First": "\(offset)"], body: body)
        let response = try await HTTPClient().send(request)
        #expect(response.status == 201)
        #expect(try await response.body.collect(limit: 100) == Array("\(length)".utf8))
    }

    @Test func sendsAStreamAndHoldsItBack() async throws {
        let made = Counter()
        let size = 8 << 20
        let server = try ScriptedServer { exchange in
            pause(seconds: 0.3)
            #expect(made.value < 8 << 20, "the source was held back while the server was slow")
            return try Self.checking(exchange)
        }
        let body = HTTPBody.stream(length: Int64(size)) {
            let start = made.value
            guard start < size else { return nil }
            made.add(64 << 10)
            return pattern(from: start, count: 64 << 10)
        }
        let response = try await HTTPClient().send(HTTPRequest(method: .put, url: server.url, body: body))
        #expect(response.status == 201)
        #expect(try await response.body.collect(limit: 100) == Array("\(size)".utf8))
    }

    @Test func aSlowSourceIsNotAStall() async throws {
        let server = try ScriptedServer(handler: Self.checking)
        let sent = Counter()
        let body = HTTPBody.stream(length: 3000) {
            try await Task.sleep(for: .milliseconds(500))
            let start = sent.value
            sent.add(1000)
            return start < 3000 ? pattern(from: start, count: 1000) : nil
        }
        let client = HTTPClient(configuration: HTTPConfiguration(stallTimeout: .milliseconds(200)))
        #expect(try await client.send(HTTPRequest(method: .put, url: server.url, body: body)).status == 201)
    }

    @Test(arguments: [(10, 5), (10, 15)]) func refusesStreamsOfTheWrongLength(announced: Int64, real: Int) async throws
    {
        let server = try ScriptedServer(handler: Self.checking)
        let given = Flag()
        let body = HTTPBody.stream(length: announced) {
            given.set(true) ? nil : Array(repeating: 0, count: real)
        }
        let error = await #expect(throws: HTTPError.self) {
            try await HTTPClient().send(HTTPRequest(method: .put, url: server.url, body: body))
        }
        #expect(error?.code == .bodySource)
    }

    @Test func reportsAFailingSource() async throws {
        struct Broken: Error {}
        let server = try ScriptedServer(handler: Self.checking)
        let body = HTTPBody.stream(length: 10) { throw Broken() }
        let error = await #expect(throws: HTTPError.self) {
            try await HTTPClient().send(HTTPRequest(method: .put, url: server.url, body: body))
        }
        #expect(error?.code == .bodySource)
        #expect(error?.message.contains("Broken") == true)
    }

    @Test func reportsMissingAndShortFiles() async throws {
        let server = try ScriptedServer(handler: Self.checking)
        let file = try patternFile(size: 1000)
        for (path, text) in [("/nonexistent/file", "No such file"), (file, "shorter")] {
            let request = HTTPRequest(method: .put, url: server.url, body: .file(path: path, offset: 0, length: 1001))
            let error = await #expect(throws: HTTPError.self) { try await HTTPClient().send(request) }
            #expect(error?.code == .bodySource)
            #expect(error?.message.contains(text) == true)
        }
    }

    @Test func anEarlyErrorEndsTheUpload() async throws {
        let server = try ScriptedServer { exchange in
            guard exchange.method == "PUT" else { return ServerResponse(200) }
            _ = try exchange.readBody(upTo: 1000)
            try exchange.respond(ServerResponse(413, text: "too large"))
            exchange.close()
            return nil
        }
        let client = HTTPClient()
        let made = Counter()
        let body = HTTPBody.stream(length: 1 << 30) {
            made.add(64 << 10)
            return Array(repeating: 0, count: 64 << 10)
        }
        let response = try await client.send(HTTPRequest(method: .put, url: server.url, body: body))
        #expect(response.status == 413)
        #expect(try await response.body.collect(limit: 100) == Array("too large".utf8))
        #expect(made.value < 512 << 20)
        #expect(try await client.send(HTTPRequest(url: server.url)).status == 200)
        #expect(server.connectionCount == 2, "a connection with unsent body bytes is not used again")
    }

    @Test func aConnectionThatDiedWhileIdleIsReplaced() async throws {
        let server = try ScriptedServer { exchange in
            let response = try Self.checking(exchange)
            guard exchange.connectionNumber == 1, let response else { return response }
            try exchange.respond(response)
            exchange.reset()
            return nil
        }
        let file = try patternFile(size: 700_000)
        let client = HTTPClient()
        for _ in 0..<2 {
            let body = HTTPBody.file(path: file, offset: 0, length: 700_000)
            let response = try await client.send(HTTPRequest(method: .put, url: server.url, body: body))
            #expect(response.status == 201)
            _ = try await response.body.collect(limit: 100)
        }
        #expect(server.connectionCount == 2)
    }

    @Test func waitsLongerForTheReplyThanForTheBody() async throws {
        let server = try ScriptedServer { exchange in
            _ = try exchange.body()
            pause(seconds: 0.8)
            return ServerResponse(201)
        }
        let body = HTTPBody.bytes(Array(repeating: 0, count: 100_000))
        let request = HTTPRequest(method: .put, url: server.url, body: body)
        let patient = HTTPConfiguration(stallTimeout: .milliseconds(200), replyTimeout: .seconds(10))
        #expect(try await HTTPClient(configuration: patient).send(request).status == 201)
        let hasty = HTTPConfiguration(stallTimeout: .milliseconds(200), replyTimeout: .milliseconds(400))
        let error = await #expect(throws: HTTPError.self) { try await HTTPClient(configuration: hasty).send(request) }
        #expect(error?.code == .stalled)
        #expect(error?.sent == 100_000)
    }

    @Test func aServerThatReadsNothingStalls() async throws {
        let server = try ScriptedServer { exchange in
            pause(seconds: 12)
            exchange.reset()
            return nil
        }
        let body = HTTPBody.stream(length: 1 << 30) { Array(repeating: 0, count: 64 << 10) }
        let client = HTTPClient(configuration: HTTPConfiguration(stallTimeout: .milliseconds(400)))
        let start = ContinuousClock.now
        let error = await #expect(throws: HTTPError.self) {
            try await client.send(HTTPRequest(method: .put, url: server.url, body: body))
        }
        #expect(error?.code == .stalled)
        #expect(error?.retry == .yes)
        #expect(ContinuousClock.now - start < .seconds(10))
    }
}
