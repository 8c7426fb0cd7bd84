import Glibc
import Synchronization

/// A listening socket on loopback.
final class Listener: Sendable {
    let socket: Int32
    let port: Int

    init(backlog: Int32) throws {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { throw SystemFailure(code: errno) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                guard unsafe bind(socket, address, length) == 0, listen(socket, backlog) == 0 else { return Int32(-1) }
                return unsafe getsockname(socket, address, &length)
            }
        }
        guard status == 0 else {
            close(socket)
            throw SystemFailure(code: errno)
        }
        self.socket = socket
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit {
        close(socket)
    }
}

/// A peer that reads a little, says one thing in clear text, and closes.
final class RawServer: Sendable {
    private let listener: Listener
    var port: Int { listener.port }

    init(greeting: String) throws {
        let listener = try Listener(backlog: 8)
        self.listener = listener
        let bytes = Array(greeting.utf8)
        TestThread.start { [weak listener] in
            // Held while its number is in use: a closed descriptor's number soon belongs to another socket.
            while let listener {
                withExtendedLifetime(listener) { Self.answer(listener.socket, bytes) }
            }
        }
    }

    private static func answer(_ socket: Int32, _ bytes: [UInt8]) {
        var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&entry, 1, 100) > 0 else { return }
        let peer = accept(socket, nil, nil)
        guard peer >= 0 else { return }
        var buffer = [UInt8](repeating: 0, count: 4096)
        _ = unsafe recv(peer, &buffer, buffer.count, 0)
        _ = unsafe send(peer, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        close(peer)
    }
}

/// A listener whose connections the kernel accepts and nobody ever answers.
final class SilentListener: Sendable {
    private let listener: Listener
    var port: Int { listener.port }

    init() throws {
        listener = try Listener(backlog: 16)
    }
}

enum TestThread {
    private final class Start {
        let body: @Sendable () -> Void

        init(body: @escaping @Sendable () -> Void) {
            self.body = body
        }
    }

    static func start(_ body: @escaping @Sendable () -> Void) {
        let start = unsafe Unmanaged.passRetained(Start(body: body))
        var thread = pthread_t()
        let status = unsafe pthread_create(
            &thread,
            nil,
            { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<Start>.fromOpaque(context).takeRetainedValue().body()
                return nil
            },
            start.toOpaque()
        )
        if status == 0 { pthread_detach(thread) }
    }
}
