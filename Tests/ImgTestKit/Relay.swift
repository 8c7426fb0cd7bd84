import Glibc
import Synchronization

/// Carries TCP connections from one loopback port to others: in front of one server, or as an HTTP proxy that knows
/// names which DNS doesn't.
package final class Relay: Sendable {
    /// Sees the bytes of a client before they go on; may take its time.
    package typealias Inspection = @Sendable (_ bytes: [UInt8]) -> Void

    private enum Route: Sendable {
        case fixed(Int)
        /// `CONNECT` to host:port.
        case connect([String: Int])
    }

    package let port: Int
    private let route: Route
    private let inspect: Inspection
    private let listener: Int32
    private let asked = Mutex<[String]>([])
    private let isStopped = Flag()

    /// Everything goes to one port.
    package convenience init(to port: Int, inspect: @escaping Inspection = { _ in }) throws {
        try self.init(route: .fixed(port), inspect: inspect)
    }

    /// An HTTP proxy whose `CONNECT` leads `host:port` to a port of this machine; it answers 502 for others.
    package convenience init(proxying routes: [String: Int]) throws {
        try self.init(route: .connect(routes), inspect: { _ in })
    }

    private init(route: Route, inspect: @escaping Inspection) throws {
        self.route = route
        self.inspect = inspect
        (listener, port) = try ServerSocket.listen()
        ServerSocket.accept(on: listener) { [weak self] client in
            guard let self, !self.isStopped.value else { return false }
            ServerThread.start { self.serve(client) }
            return true
        }
    }

    deinit {
        stop()
    }

    package var url: String { "http://127.0.0.1:\(port)" }
    /// What the clients of a proxy asked for, in order.
    package var targets: [String] { asked.withLock { $0 } }

    /// Takes no further connections.
    package func stop() {
        if !isStopped.set(true) { shutdown(listener, Int32(SHUT_RDWR)) }
    }

    private func serve(_ client: Int32) {
        let target: Int32?
        switch route {
        case .fixed(let port): target = try? ServerSocket.connect(to: port)
        case .connect(let routes): target = tunnel(client, routes)
        }
        guard let target else {
            close(client)
            return
        }
        let ended = Counter()
        let finish: @Sendable () -> Void = {
            guard ended.add(1) == 2 else { return }
            close(client)
            close(target)
        }
        ServerThread.start {
            Self.pump(from: target, to: client) { _ in }
            finish()
        }
        Self.pump(from: client, to: target, inspect)
        finish()
    }

    private func tunnel(_ client: Int32, _ routes: [String: Int]) -> Int32? {
        var head: [UInt8] = []
        var byte: [UInt8] = [0]
        while !head.suffix(4).elementsEqual(Array("\r\n\r\n".utf8)) {
            guard head.count < 16 << 10, unsafe recv(client, &byte, 1, 0) == 1 else { return nil }
            head += byte
        }
        let words = String(decoding: head, as: UTF8.self).split(separator: " ").map(String.init)
        guard words.count > 1, words[0] == "CONNECT" else { return nil }
        asked.withLock { $0.append(words[1]) }
        let target = routes[words[1]].flatMap { try? ServerSocket.connect(to: $0) }
        let answer = target == nil ? "HTTP/1.1 502 Bad Gateway\r\n\r\n" : "HTTP/1.1 200 Connection established\r\n\r\n"
        try? ServerSocket.send(Array(answer.utf8), to: client)
        return target
    }

    private static func pump(from source: Int32, to target: Int32, _ inspect: Inspection) {
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = unsafe recv(source, &chunk, chunk.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            let bytes = Array(chunk[..<count])
            inspect(bytes)
            guard (try? ServerSocket.send(bytes, to: target)) != nil else { break }
        }
        shutdown(target, Int32(SHUT_WR))
        shutdown(source, Int32(SHUT_RD))
    }
}
