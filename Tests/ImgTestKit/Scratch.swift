package import Glibc

/// A temporary directory that vanishes with its test.
package struct Scratch: Sendable {
    /// Absolute.
    package let path: String

    /// Runs `body` with an empty directory and removes it, whatever happens.
    package static func with<Value>(_ body: (Scratch) async throws -> Value) async throws -> Value {
        var template = Array("/tmp/imgbuild-test-XXXXXX".utf8CString)
        let path = unsafe template.withUnsafeMutableBufferPointer { buffer -> String? in
            guard let base = buffer.baseAddress, let made = unsafe mkdtemp(base) else { return nil }
            return unsafe String(cString: made)
        }
        guard let path else { throw ScratchError(description: "mkdtemp: errno \(errno)") }
        let scratch = Scratch(path: path)
        do {
            let value = try await body(scratch)
            _ = try await Program.run("rm", ["-rf", path])
            return value
        } catch {
            _ = try? await Program.run("rm", ["-rf", path])
            throw error
        }
    }

    /// A path inside.
    package subscript(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes a file and the directories above it.
    @discardableResult
    package func write(_ name: String, _ text: String, mode: mode_t = 0o644) throws -> String {
        try write(name, Array(text.utf8), mode: mode)
    }

    /// Writes a file and the directories above it.
    @discardableResult
    package func write(_ name: String, _ bytes: [UInt8], mode: mode_t = 0o644) throws -> String {
        let target = self[name]
        var end = target.startIndex
        while let slash = target[target.index(after: end)...].firstIndex(of: "/") {
            unsafe mkdir(String(target[..<slash]), 0o755)
            end = slash
        }
        let descriptor = unsafe open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw ScratchError(description: "open \(target): errno \(errno)") }
        defer { close(descriptor) }
        fchmod(descriptor, mode)
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(descriptor, buffer.baseAddress.map { unsafe $0 + written }, buffer.count - written)
            }
            guard count > 0 else { throw ScratchError(description: "write \(target): errno \(errno)") }
            written += count
        }
        return target
    }

    /// Reads a file as text.
    package func read(_ name: String) throws -> String {
        let descriptor = unsafe open(self[name], O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw ScratchError(description: "open \(self[name]): errno \(errno)") }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// A test's own set-up failed.
package struct ScratchError: Error, CustomStringConvertible {
    package var description: String

    package init(description: String) {
        self.description = description
    }
}
