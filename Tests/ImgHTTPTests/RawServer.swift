import Glibc
import ImgTestKit

/// A peer that reads a little, says one thing in clear text, and closes.
final class RawServer: Sendable {
    private let listener: Int32
    let port: Int

    init(greeting: String) throws {
        (listener, port) = try ServerSocket.listen()
        let bytes = Array(greeting.utf8)
        ServerSocket.accept(on: listener) { peer in
            var buffer = [UInt8](repeating: 0, count: 4096)
            _ = unsafe recv(peer, &buffer, buffer.count, 0)
            try? ServerSocket.send(bytes, to: peer)
            close(peer)
            return true
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
    }
}

/// A listener whose connections the kernel accepts and nobody ever answers.
final class SilentListener: Sendable {
    private let listener: Int32
    let port: Int

    init() throws {
        (listener, port) = try ServerSocket.listen()
    }

    deinit {
        close(listener)
    }
}
