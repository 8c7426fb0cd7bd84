import Glibc
import Subprocess

#if canImport(System)
import System
#else
import SystemPackage
#endif

/// Programs that run beside a test and end with it.
package enum Server {
    /// A loopback port that nothing listens on.
    package static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                unsafe bind(descriptor, raw, length) == 0 ? unsafe getsockname(descriptor, raw, &length) : -1
            }
        }
        guard status == 0 else { throw ScratchError(description: "no free port: errno \(errno)") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    /// Runs a server while `body` runs; it is told to end afterwards, so that it can stop what it has started.
    ///
    /// - Parameter port: Where it answers once it is ready.
    package static func with<Value: Sendable>(
        _ name: String,
        _ arguments: [String],
        port: Int,
        environment: [String: String] = [:],
        _ body: @Sendable @escaping () async throws -> Value
    ) async throws -> Value {
        let updates = environment.map { (Environment.Key(stringLiteral: $0.key), Optional($0.value)) }
        var options = PlatformOptions()
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(10))]
        return try await withThrowingTaskGroup(of: Value?.self) { [options] group in
            group.addTask {
                let result = try await Subprocess.run(
                    name.contains("/") ? .path(FilePath(name)) : .name(name),
                    arguments: Arguments(arguments),
                    environment: .inherit.updating(Dictionary(uniqueKeysWithValues: updates)),
                    platformOptions: options,
                    output: .string(limit: 16 << 20),
                    error: .string(limit: 16 << 20)
                )
                if Task.isCancelled { return nil }
                throw ScratchError(description: "\(name) ended: \(result.standardError)")
            }
            group.addTask {
                try await waitUntilAnswering(port, name)
                return try await body()
            }
            defer { group.cancelAll() }
            while let value = try await group.next() {
                if let value { return value }
            }
            throw ScratchError(description: "\(name) ended before the test")
        }
    }

    private static func waitUntilAnswering(_ port: Int, _ name: String) async throws {
        for _ in 0..<300 {
            if isAnswering(port) { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw ScratchError(description: "\(name) does not answer on port \(port)")
    }

    private static func isAnswering(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                unsafe connect(descriptor, raw, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}

/// Debian's docker-registry on a loopback port, empty.
package struct TestRegistry: Sendable {
    /// `127.0.0.1:PORT`.
    package let host: String
    package let port: Int
    /// Where it keeps its files.
    package let storage: String

    /// Runs `body` with a registry of its own.
    package static func with<Value: Sendable>(
        in scratch: Scratch,
        extra: String = "",
        _ body: @Sendable @escaping (TestRegistry) async throws -> Value
    ) async throws -> Value {
        let port = try Server.freePort()
        let storage = scratch["registry-\(port)"]
        let config = """
            version: 0.1
            log: {level: warn, accesslog: {disabled: true}}
            storage:
              cache: {blobdescriptor: inmemory}
              filesystem: {rootdirectory: "\(storage)"}
              delete: {enabled: true}
            http: {addr: "127.0.0.1:\(port)"}
            \(extra)
            """
        let path = try scratch.write("registry-\(port).yml", config)
        return try await Server.with("docker-registry", ["serve", path], port: port) {
            try await body(TestRegistry(host: "127.0.0.1:\(port)", port: port, storage: storage))
        }
    }
}

extension TestRegistry {
    /// Lines of its configuration that let in accounts with passwords, and nobody else.
    package static func accounts(in scratch: Scratch, _ passwords: [String: String]) async throws -> String {
        var lines = ""
        for (user, password) in passwords.sorted(by: { $0.key < $1.key }) {
            lines += try await Program.output("htpasswd", ["-niB", user], input: password)
        }
        return "auth: {htpasswd: {realm: test, path: \"\(try scratch.write("htpasswd", lines))\"}}"
    }
}
