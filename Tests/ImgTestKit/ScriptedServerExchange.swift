import Glibc

/// One request that a scripted server got, and all the ways to answer it, on its own thread.
package final class ServerExchange {
    package let method: String
    /// Path and query as sent.
    package let target: String
    package let headers: [(name: String, value: String)]
    /// Which connection the request came over, counted from 1.
    package let connectionNumber: Int
    /// Bytes of the body not read yet; nil while a chunked body is under way.
    package private(set) var bodyLeft: Int?
    private var chunkedEnded = false
    private let connection: ServerConnection
    private var broken = false

    init?(connection: ServerConnection, number: Int) throws {
        guard let line = try connection.readLine() else { return nil }
        let words = line.split(separator: " ").map(String.init)
        guard words.count == 3 else { throw ServerSocketError(call: "request line", code: EPROTO) }
        method = words[0]
        target = words[1]
        var headers: [(name: String, value: String)] = []
        while let line = try connection.readLine(), !line.isEmpty {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            headers.append((String(line[..<colon]), String(value)))
        }
        self.headers = headers
        self.connection = connection
        connectionNumber = number
        let chunked = headers.contains { $0.name.lowercased() == "transfer-encoding" }
        bodyLeft =
            chunked ? nil : headers.first { $0.name.lowercased() == "content-length" }.flatMap { Int($0.value) } ?? 0
    }

    package subscript(name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    package var path: String { String(target.prefix { $0 != "?" }) }
    /// Without its question mark; nil if there is none.
    package var query: String? {
        target.firstIndex(of: "?").map { String(target[target.index(after: $0)...]) }
    }

    var isReusable: Bool { !broken && bodyLeft == 0 }

    // MARK: Reading the body

    /// The next bytes of the body; empty at its end.
    package func readBody(upTo count: Int = 64 << 10) throws -> [UInt8] {
        if bodyLeft == nil { try readChunkHead() }
        guard let left = bodyLeft, left > 0 else { return [] }
        let bytes = try connection.read(upTo: min(count, left))
        guard !bytes.isEmpty else { throw ServerSocketError(call: "body", code: ECONNRESET) }
        bodyLeft = left - bytes.count
        if bodyLeft == 0, isChunked, !chunkedEnded {
            _ = try connection.readLine()
            bodyLeft = nil
        }
        return bytes
    }

    /// The rest of the body.
    package func body() throws -> [UInt8] {
        var body: [UInt8] = []
        while true {
            let part = try readBody()
            if part.isEmpty { return body }
            body += part
        }
    }

    package func discardBody() throws {
        while try !readBody(upTo: 1 << 20).isEmpty {}
    }

    private var isChunked: Bool { self["Transfer-Encoding"] != nil }

    private func readChunkHead() throws {
        let size = try connection.readLine().flatMap { Int($0.prefix { $0 != ";" }, radix: 16) } ?? 0
        bodyLeft = size
        guard size == 0 else { return }
        chunkedEnded = true
        while let line = try connection.readLine(), !line.isEmpty {}
    }

    // MARK: Answering

    /// Writes a well-formed answer.
    package func respond(_ response: ServerResponse) throws {
        var head = "HTTP/1.1 \(response.status) Scripted\r\n"
        for header in response.headers { head += "\(header.name): \(header.value)\r\n" }
        let hasLength = response.headers.contains { $0.name.lowercased() == "content-length" }
        if !hasLength, response.status >= 200, response.status != 204, response.status != 304 {
            head += "Content-Length: \(response.body.count)\r\n"
        }
        try write(head + "\r\n")
        if method != "HEAD" { try write(response.body) }
    }

    /// Writes raw text.
    package func write(_ text: String) throws {
        try write(Array(text.utf8))
    }

    /// Writes raw bytes.
    package func write(_ bytes: [UInt8]) throws {
        try connection.write(bytes)
    }

    /// Blocks until the client has closed its end, or the time is over.
    /// - Returns: Whether the client has gone.
    package func waitForClose(seconds: Int) -> Bool {
        connection.waitForClose(seconds: seconds)
    }

    /// Closes the connection in order after what has been written.
    package func close() {
        broken = true
        connection.closeGracefully()
    }

    /// Breaks the connection: the client sees a reset.
    package func reset() {
        broken = true
        connection.reset()
    }
}
