import ImgHTTP
import ImgTestKit
import Testing

@Suite(.timeLimit(.minutes(1)))
struct DownloadTests {
    @Test func streamsInOrderWithinChunkSize() async throws {
        let size = 5_000_000
        let server = try ScriptedServer { _ in ServerResponse(200, body: pattern(from: 0, count: size)) }
        var position = 0
        for try await chunk in try await HTTPClient().send(HTTPRequest(url: server.url)).body {
            #expect(chunk.count <= 64 << 10 && !chunk.isEmpty)
            #expect(chunk == pattern(from: position, count: chunk.count))
            position += chunk.count
        }
        #expect(position == size)
    }

    @Test func aSlowReaderHoldsTheServerBack() async throws {
        let written = Counter()
        let size = 256 << 20
        let server = try ScriptedServer { exchange in
            try exchange.write("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
            let block = [UInt8](repeating: 7, count: 1 << 20)
            for _ in 0..<size / block.count {
                try exchange.write(block)
                written.add(block.count)
            }
            return nil
        }
        let before = residentBytes()
        let client = HTTPClient(configuration: HTTPConfiguration(stallTimeout: .milliseconds(300)))
        let response = try await client.send(HTTPRequest(url: server.url))
        try await Task.sleep(for: .milliseconds(1000))
        #expect(written.value < 64 << 20, "only sockets and the buffer are filled")
        var total = 0
        for try await chunk in response.body { total += chunk.count }
        #expect(total == size, "the pause was ours and no stall")
        #expect(residentBytes() - before < 100 << 20)
    }

    @Test func lettingGoOfTheBodyEndsTheTransfer() async throws {
        let noticed = Flag()
        let server = try ScriptedServer { exchange in
            try exchange.write("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\nabc")
            noticed.set(exchange.waitForClose(seconds: 10))
            exchange.reset()
            return nil
        }
        let client = HTTPClient()
        do {
            let response = try await client.send(HTTPRequest(url: server.url))
            #expect(response.status == 200)
        }
        #expect(try await eventually { noticed.value })
    }

    @Test func aShortUnreadBodyKeepsTheConnection() async throws {
        let server = try ScriptedServer { _ in ServerResponse(404, body: Array(repeating: 1, count: 20_000)) }
        let client = HTTPClient()
        for _ in 0..<3 {
            #expect(try await client.send(HTTPRequest(url: server.url)).status == 404)
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(server.connectionCount == 1)
    }

    @Test func cancellingTheTaskEndsTheTransfer() async throws {
        let noticed = Counter()
        let server = try ScriptedServer { exchange in
            if exchange.path == "/body" { try exchange.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc") }
            if exchange.waitForClose(seconds: 10) { noticed.add(1) }
            exchange.reset()
            return nil
        }
        let client = HTTPClient()
        let url = server.url
        let start = ContinuousClock.now
        for path in ["/head", "/body"] {
            let seen = server.requests.count
            let task = Task { try await client.send(HTTPRequest(url: url + path)).body.collect(limit: 10) }
            while server.requests.count == seen { try await Task.sleep(for: .milliseconds(5)) }
            try await Task.sleep(for: .milliseconds(100))
            task.cancel()
            let error = await #expect(throws: HTTPError.self) { try await task.value }
            #expect(error?.code == .cancelled)
        }
        #expect(try await eventually { noticed.value == 2 })
        #expect(ContinuousClock.now - start < .seconds(5))
    }

    @Test func aCancelledTaskSendsNothing() async throws {
        let server = try ScriptedServer { _ in ServerResponse(200) }
        let url = server.url
        let client = HTTPClient()
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return try await client.send(HTTPRequest(url: url))
        }
        task.cancel()
        let error = await #expect(throws: HTTPError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        #expect(server.requests.isEmpty)
    }

    @Test func reportsATruncatedBody() async throws {
        let server = try ScriptedServer { exchange in
            try exchange.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
            exchange.close()
            return nil
        }
        let response = try await HTTPClient().send(HTTPRequest(url: server.url))
        let error = await #expect(throws: HTTPError.self) { try await response.body.collect(limit: 10) }
        #expect(error?.code == .partialBody)
        #expect(error?.received == 3)
        #expect(error?.retry == .yes)
        #expect(error?.message.contains(server.authority) == true)
    }

    @Test func reportsAReset() async throws {
        let server = try ScriptedServer { exchange in
            exchange.reset()
            return nil
        }
        let error = await #expect(throws: HTTPError.self) { try await HTTPClient().send(HTTPRequest(url: server.url)) }
        #expect(error?.code == .receiveFailed)
        #expect(error?.retry == .yes)
    }

    @Test func reportsAStalledBody() async throws {
        let server = try ScriptedServer { exchange in
            try exchange.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
            _ = exchange.waitForClose(seconds: 10)
            exchange.reset()
            return nil
        }
        let client = HTTPClient(configuration: HTTPConfiguration(stallTimeout: .milliseconds(300)))
        let response = try await client.send(HTTPRequest(url: server.url))
        let error = await #expect(throws: HTTPError.self) { try await response.body.collect(limit: 10) }
        #expect(error?.code == .stalled)
    }

    @Test func refusesHugeHeadersAndWhatIsNoHTTP() async throws {
        let server = try ScriptedServer { exchange in
            if exchange.path == "/garbage" {
                try exchange.write("SSH-2.0-OpenSSH_9\r\n")
            } else {
                try exchange.write("HTTP/1.1 200 OK\r\n")
                for number in 0..<10_000 { try exchange.write("X-\(number): \(String(repeating: "x", count: 90))\r\n") }
            }
            exchange.close()
            return nil
        }
        let client = HTTPClient()
        let garbage = await #expect(throws: HTTPError.self) {
            try await client.send(HTTPRequest(url: server.url + "/garbage"))
        }
        // libcurl calls what is no HTTP a protocol that it does not support.
        #expect(garbage?.code == .invalidRequest)
        let huge = await #expect(throws: HTTPError.self) { try await client.send(HTTPRequest(url: server.url)) }
        #expect(huge?.code == .tooLarge)
    }
}
