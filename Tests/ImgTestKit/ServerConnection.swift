import Glibc

/// The byte stream of one accepted connection.
final class ServerConnection {
    private let socket: Int32
    private var buffer: [UInt8] = []
    private var start = 0
    private var isOpen = true

    init(socket: Int32) {
        self.socket = socket
        var one: Int32 = 1
        unsafe setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Whether the first byte is that of a TLS handshake.
    func startsWithTLS() throws -> Bool { try (start < buffer.count || fill()) && buffer[start] == 0x16 }

    /// A line without its end; nil at the end of the stream.
    func readLine() throws -> String? {
        var line: [UInt8] = []
        while true {
            if start == buffer.count, try !fill() { return line.isEmpty ? nil : String(decoding: line, as: UTF8.self) }
            let byte = buffer[start]
            start += 1
            if byte == 0x0A {
                if line.last == 0x0D { line.removeLast() }
                return String(decoding: line, as: UTF8.self)
            }
            line.append(byte)
        }
    }

    /// Bytes that are there, at most `count`; empty at the end of the stream.
    func read(upTo count: Int) throws -> [UInt8] {
        if start == buffer.count, try !fill() { return [] }
        let part = Array(buffer[start..<min(buffer.count, start + count)])
        start += part.count
        return part
    }

    private func fill() throws -> Bool {
        guard isOpen else { return false }
        var bytes = [UInt8](repeating: 0, count: 256 << 10)
        while true {
            let count = unsafe recv(socket, &bytes, bytes.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw ServerSocketError(call: "recv", code: errno) }
            bytes.removeLast(bytes.count - count)
            buffer = bytes
            start = 0
            return count > 0
        }
    }

    func write(_ bytes: [UInt8]) throws { try ServerSocket.send(bytes, to: socket) }

    func waitForClose(seconds: Int) -> Bool {
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&entry, 1, 50) > 0 else { continue }
            var bytes = [UInt8](repeating: 0, count: 64 << 10)
            if unsafe recv(socket, &bytes, bytes.count, 0) <= 0 { return true }
        }
        return false
    }

    /// Ends the sending side; what the client still sends is read away for a moment so that it sees no reset.
    func closeGracefully() {
        shutdown(socket, Int32(SHUT_WR))
        _ = waitForClose(seconds: 2)
        isOpen = false
    }

    func reset() {
        guard isOpen else { return }
        isOpen = false
        var option = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(socket, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    /// Gives the descriptor back; called once, when nothing uses it any more.
    func finish() {
        close(socket)
    }
}
