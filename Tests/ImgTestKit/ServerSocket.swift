import Glibc

/// A system call of a test server that failed.
package struct ServerSocketError: Error {
    package let call: String
    package let code: Int32
}

/// TCP sockets on 127.0.0.1.
package enum ServerSocket {
    /// Opens a listening socket on a free port.
    package static func listen() throws -> (socket: Int32, port: Int) {
        let (socket, port) = try bound()
        guard Glibc.listen(socket, 128) == 0 else { throw failure("listen", socket) }
        return (socket, port)
    }

    /// A port that nothing listens on.
    package static func freePort() throws -> Int {
        let (socket, port) = try bound()
        close(socket)
        return port
    }

    /// Takes connections on a thread of its own until the socket is shut down or `take` returns false; then closes the
    /// socket.
    package static func accept(on listener: Int32, _ take: @escaping @Sendable (_ client: Int32) -> Bool) {
        ServerThread.start {
            while true {
                let client = Glibc.accept(listener, nil, nil)
                if client < 0 {
                    if errno == EINTR || errno == ECONNABORTED { continue }
                    break
                }
                guard take(client) else {
                    close(client)
                    break
                }
            }
            close(listener)
        }
    }

    /// Connects to a port.
    package static func connect(to port: Int) throws -> Int32 {
        let socket = try opened()
        var address = address(port)
        let status = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw failure("connect", socket) }
        return socket
    }

    /// Sends all of it.
    package static func send(_ bytes: [UInt8], to socket: Int32) throws {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { bytes in
                unsafe Glibc.send(
                    socket,
                    bytes.baseAddress?.advanced(by: sent),
                    bytes.count - sent,
                    Int32(MSG_NOSIGNAL)
                )
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw ServerSocketError(call: "send", code: errno) }
            sent += count
        }
    }

    private static func bound() throws -> (socket: Int32, port: Int) {
        let socket = try opened()
        var address = address(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(socket, $0, length) == 0 ? unsafe getsockname(socket, $0, &length) : -1
            }
        }
        guard status == 0 else { throw failure("bind", socket) }
        return (socket, Int(UInt16(bigEndian: address.sin_port)))
    }

    private static func opened() throws -> Int32 {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { throw ServerSocketError(call: "socket", code: errno) }
        _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
        return socket
    }

    private static func address(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    /// Closes the socket.
    private static func failure(_ call: String, _ socket: Int32) -> ServerSocketError {
        let error = ServerSocketError(call: call, code: errno)
        close(socket)
        return error
    }
}

/// Threads that are none of Swift's, on which a server may block.
package enum ServerThread {
    private final class Start {
        let body: @Sendable () -> Void

        init(body: @escaping @Sendable () -> Void) {
            self.body = body
        }
    }

    package static func start(_ body: @escaping @Sendable () -> Void) {
        let start = unsafe Unmanaged.passRetained(Start(body: body))
        var thread = pthread_t()
        let status = unsafe pthread_create(
            &thread,
            nil,
            { context in
                guard let context = unsafe context else { return nil }
                let start = unsafe Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
                start.body()
                return nil
            },
            start.toOpaque()
        )
        if status == 0 {
            pthread_detach(thread)
        } else {
            unsafe start.release()
        }
    }
}
