import Glibc

/// A server on loopback that a ``ScriptedServer`` stands before: what the script doesn't answer itself is passed on.
package struct Upstream: Sendable {
    private let port: Int
    /// Bytes of bodies that were passed on.
    package let sent = Counter()

    /// - Parameter authority: `127.0.0.1:PORT`.
    package init(_ authority: String) {
        port = authority.lastIndex(of: ":").flatMap { Int(authority[authority.index(after: $0)...]) } ?? 0
    }

    /// Passes a request on and returns the whole answer.
    ///
    /// - Parameters:
    ///   - target: Asked for instead of what the client asked for.
    ///   - headers: Left out on the way.
    ///   - pace: Called before each part of the body with the number of bytes that were passed on; it may wait or throw.
    package func forward(
        _ exchange: ServerExchange,
        as target: String? = nil,
        without headers: [String] = [],
        pace: (Int) throws -> Void = { _ in }
    ) throws -> ServerResponse {
        let connection = ServerConnection(socket: try ServerSocket.connect(to: port))
        defer { connection.finish() }
        // With HTTP/1.0 the answer ends with the connection.
        var head = "\(exchange.method) \(target ?? exchange.target) HTTP/1.0\r\n"
        let dropped = Set(["connection", "expect"] + headers.map { $0.lowercased() })
        for header in exchange.headers where !dropped.contains(header.name.lowercased()) {
            head += "\(header.name): \(header.value)\r\n"
        }
        try connection.write(Array((head + "\r\n").utf8))
        var passed = 0
        while true {
            try pace(passed)
            let part = try exchange.readBody(upTo: 64 << 10)
            if part.isEmpty { break }
            try connection.write(part)
            passed += part.count
            sent.add(part.count)
        }
        return try Self.answer(of: connection)
    }

    private static func answer(of connection: ServerConnection) throws -> ServerResponse {
        let line = try connection.readLine()?.split(separator: " ") ?? []
        guard line.count >= 2, let status = Int(line[1]) else {
            throw ServerSocketError(call: "status line", code: EPROTO)
        }
        var response = ServerResponse(status)
        while let line = try connection.readLine(), !line.isEmpty {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            response.headers.append((String(line[..<colon]), String(value)))
        }
        response.headers.removeAll { $0.name.lowercased() == "connection" }
        while true {
            let part = try connection.read(upTo: 256 << 10)
            if part.isEmpty { return response }
            response.body += part
        }
    }
}
