import Glibc
import ImgCredentials
import ImgTasks
import ImgTestKit

/// Plain HTTP/1.1 to a server on this machine, one connection per request; sends the headers exactly as given.
struct LoopbackTransport: CredentialTransport {
    let port: Int

    func send(_ request: CredentialRequest) async throws(CredentialTransportError) -> CredentialReply {
        do {
            return try await BlockingPool.shared.run { try exchange(request) }
        } catch let error as CredentialTransportError {
            throw error
        } catch {
            throw CredentialTransportError(.network, "\(error)")
        }
    }

    private func exchange(_ request: CredentialRequest) throws(CredentialTransportError) -> CredentialReply {
        let prefix = "http://127.0.0.1:\(port)"
        guard request.url.hasPrefix(prefix) else { throw CredentialTransportError(.unresolved, request.url) }
        guard let connection = try? ServerSocket.connect(to: port) else {
            throw CredentialTransportError(.network, "connection refused")
        }
        defer { close(connection) }
        var head = "\(request.method) \(request.url.dropFirst(prefix.count)) HTTP/1.1\r\nConnection: close\r\n"
        if request.headers.value(of: "host") == nil { head += "Host: 127.0.0.1:\(port)\r\n" }
        for header in request.headers { head += "\(header.name): \(header.value)\r\n" }
        do { try ServerSocket.send(Array((head + "\r\n").utf8) + request.body, to: connection) } catch {
            throw CredentialTransportError(.network, "the connection broke")
        }
        return try Self.parse(Self.readAll(connection))
    }

    private static func readAll(_ connection: Int32) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe recv(connection, $0.baseAddress, $0.count, 0) }
            guard count > 0 else { return bytes }
            bytes += chunk[..<count]
        }
    }

    private static func parse(_ bytes: [UInt8]) throws(CredentialTransportError) -> CredentialReply {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else {
            throw CredentialTransportError(.network, "no reply")
        }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count > 1, let status = Int(words[1]) else { throw CredentialTransportError(.network, "no status") }
        let headers = lines.dropFirst()
            .compactMap { line -> CredentialHeader? in
                let parts = line.split(separator: ":", maxSplits: 1)
                return parts.count == 2 ? CredentialHeader(String(parts[0]), String(parts[1].drop { $0 == " " })) : nil
            }
        return CredentialReply(status: status, headers: headers, body: Array(bytes[end.upperBound...]))
    }
}
