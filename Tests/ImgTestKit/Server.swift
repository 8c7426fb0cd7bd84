import Glibc
import Subprocess

#if canImport(System)
import System
#else
import SystemPackage
#endif

/// Programs that run beside a test and end with it.
package enum Server {
    /// Runs a server while `body` runs; the server is told to end afterwards, and killed when it does not.
    ///
    /// - Parameter port: Where it answers once it is ready.
    package static func with<Value: Sendable>(
        _ name: String,
        _ arguments: [String],
        port: Int,
        environment: [String: String] = [:],
        _ body: @Sendable @escaping () async throws -> Value
    ) async throws -> Value {
        var options = PlatformOptions()
        // What runs a container has to end it and to remove its files.
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(10))]
        return try await withThrowingTaskGroup(of: Value?.self) { [options] group in
            group.addTask {
                let result = try await Subprocess.run(
                    name.contains("/") ? .path(FilePath(name)) : .name(name),
                    arguments: Arguments(arguments),
                    environment: Program.environment(environment),
                    platformOptions: options,
                    output: .string(limit: 16 << 20),
                    error: .string(limit: 16 << 20)
                )
                if Task.isCancelled { return nil }
                throw ScratchError(description: "\(name) ended, \(result.terminationStatus): \(result.standardError)")
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
            if let connection = try? ServerSocket.connect(to: port) {
                close(connection)
                return
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw ScratchError(description: "\(name) does not answer on port \(port)")
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
        let port = try ServerSocket.freePort()
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
