import Glibc
import Synchronization

/// An HTTP/1.1 server on loopback whose every answer is scripted, and which may misbehave.
///
/// The handler runs on its connection's thread. It returns a response, or nil when it has written to the connection,
/// reset it, or closed it by itself.
package final class ScriptedServer: Sendable {
    package typealias Handler = @Sendable (ServerExchange) throws -> ServerResponse?

    /// What the server saw of a request.
    package struct Record: Sendable {
        package let method: String
        /// Path and query as sent.
        package let target: String
        package let headers: [(name: String, value: String)]
        /// Which connection it came over, counted from 1.
        package let connection: Int

        package subscript(name: String) -> String? {
            headers.first { $0.name.lowercased() == name.lowercased() }?.value
        }
    }

    private struct State {
        var records: [Record] = []
        var connections = 0
        var open: Set<Int32> = []
        var stopped = false
    }

    package let port: Int
    private let listener: Int32
    private let handler: Handler
    private let state = Mutex(State())

    /// Listens on a free port of 127.0.0.1 and starts to answer.
    package init(handler: @escaping Handler) throws {
        self.handler = handler
        (listener, port) = try ServerSocket.listen()
        ServerSocket.accept(on: listener) { [weak self] client in
            guard let self, let number = self.admit(client) else { return false }
            self.startConnection(client, number: number)
            return true
        }
    }

    deinit {
        stop()
    }

    package var url: String { "http://127.0.0.1:\(port)" }
    /// Host and port.
    package var authority: String { "127.0.0.1:\(port)" }
    /// All requests so far, in order of arrival.
    package var requests: [Record] { state.withLock { $0.records } }
    package var connectionCount: Int { state.withLock { $0.connections } }
    /// Connections that are open now.
    package var openConnections: Int { state.withLock { $0.open.count } }

    /// Stops listening and breaks all connections.
    package func stop() {
        let first = state.withLock { state in
            defer { state.stopped = true }
            for socket in state.open { shutdown(socket, Int32(SHUT_RDWR)) }
            return !state.stopped
        }
        if first { shutdown(listener, Int32(SHUT_RDWR)) }
    }

    private func admit(_ socket: Int32) -> Int? {
        state.withLock { state in
            guard !state.stopped else { return nil }
            state.connections += 1
            state.open.insert(socket)
            return state.connections
        }
    }

    private func startConnection(_ socket: Int32, number: Int) {
        ServerThread.start { [weak self] in
            let connection = ServerConnection(socket: socket)
            // A client that tries TLS first learns at once that there is none.
            let isTLS = (try? connection.startsWithTLS()) == true
            if isTLS {
                try? connection.write(Array("HTTP/1.0 400 Bad Request\r\n\r\n".utf8))
                connection.closeGracefully()
            }
            while !isTLS, let exchange = try? ServerExchange(connection: connection, number: number) {
                guard let self, self.serve(exchange) else { break }
            }
            if let self {
                self.state.withLock { state in
                    state.open.remove(socket)
                    connection.finish()
                }
            } else {
                connection.finish()
            }
        }
    }

    /// Answers one request; false ends the connection.
    private func serve(_ exchange: ServerExchange) -> Bool {
        let record = Record(
            method: exchange.method,
            target: exchange.target,
            headers: exchange.headers,
            connection: exchange.connectionNumber
        )
        state.withLock { $0.records.append(record) }
        do {
            if let response = try handler(exchange) {
                try exchange.discardBody()
                try exchange.respond(response)
            }
            return exchange.isReusable
        } catch {
            exchange.reset()
            return false
        }
    }
}

/// A whole, well-formed answer.
package struct ServerResponse: Sendable {
    package var status: Int
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]

    /// `Content-Length` is added unless the headers have one.
    package init(_ status: Int = 200, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    package init(_ status: Int = 200, headers: [(name: String, value: String)] = [], text: String) {
        self.init(status, headers: headers, body: Array(text.utf8))
    }
}
