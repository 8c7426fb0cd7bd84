package import Glibc

/// A temporary directory that vanishes with its last reference, whatever happened to the test.
package final class Scratch: Sendable {
    /// Absolute.
    package let path: String

    /// Makes an empty directory in `$TMPDIR`.
    package init() throws {
        let parent = Project.variable("TMPDIR") ?? "/tmp"
        var template = Array("\(parent)/imgbuild-test-XXXXXX".utf8CString)
        let path = unsafe template.withUnsafeMutableBufferPointer { buffer -> String? in
            guard let base = buffer.baseAddress, let made = unsafe mkdtemp(base) else { return nil }
            return unsafe String(cString: made)
        }
        guard let path else { throw ScratchError(description: "mkdtemp in \(parent): errno \(errno)") }
        self.path = path
    }

    deinit {
        Self.remove(path)
    }

    /// Runs `body` with a directory that stays for so long.
    package static func with<Value>(_ body: (Scratch) async throws -> Value) async throws -> Value {
        let scratch = try Scratch()
        defer { withExtendedLifetime(scratch) {} }
        return try await body(scratch)
    }

    private static func remove(_ path: String) {
        let directory = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { return }
        clear(directory)
        unsafe rmdir(path)
    }

    /// Removes what a directory holds and closes the descriptor.
    ///
    /// Names stay bytes here: not all of them are text.
    private static func clear(_ directory: Int32) {
        guard let stream = unsafe fdopendir(directory) else { return }
        defer { unsafe closedir(stream) }
        while let entry = unsafe readdir(stream) {
            unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
                let name = unsafe UnsafeRawPointer(field).assumingMemoryBound(to: CChar.self)
                guard unsafe strcmp(name, ".") != 0, unsafe strcmp(name, "..") != 0,
                    unsafe unlinkat(directory, name, 0) != 0
                else { return }
                unsafe fchmodat(directory, name, 0o700, 0)
                let inner = unsafe openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                if inner >= 0 { clear(inner) }
                unsafe unlinkat(directory, name, AT_REMOVEDIR)
            }
        }
    }
}

extension Scratch {
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
        func opened() -> Int32 { unsafe open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode) }
        var descriptor = opened()
        if descriptor < 0, errno == ENOENT {
            makeParents(of: name)
            descriptor = opened()
        }
        guard descriptor >= 0 else { throw ScratchError(description: "open \(target): errno \(errno)") }
        defer { close(descriptor) }
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(descriptor, buffer.baseAddress.map { unsafe $0 + written }, buffer.count - written)
            }
            guard count > 0 else { throw ScratchError(description: "write \(target): errno \(errno)") }
            written += count
        }
        // Last: what is written to loses its set-user-ID bit.
        fchmod(descriptor, mode)
        return target
    }

    /// Makes the directories above a path.
    package func makeParents(of name: String) {
        var end = name.startIndex
        while let slash = name[end...].firstIndex(of: "/") {
            unsafe mkdir(self[String(name[..<slash])], 0o755)
            end = name.index(after: slash)
        }
    }

    /// Makes a symbolic link.
    package func link(_ name: String, to target: String) throws {
        guard unsafe symlink(target, self[name]) == 0 else {
            throw ScratchError(description: "symlink \(self[name]): errno \(errno)")
        }
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

    package func permissions(_ name: String) throws -> mode_t { try mode(name) & 0o7777 }

    package func isDirectory(_ name: String) throws -> Bool { try mode(name) & S_IFMT == S_IFDIR }

    package func isLink(_ name: String) throws -> Bool { try mode(name) & S_IFMT == S_IFLNK }

    private func mode(_ name: String) throws -> mode_t {
        var status = stat()
        guard unsafe lstat(self[name], &status) == 0 else {
            throw ScratchError(description: "lstat \(self[name]): errno \(errno)")
        }
        return status.st_mode
    }

    /// What a directory holds, sorted.
    package func names(in directory: String = "") -> [String] {
        guard let stream = unsafe opendir(self[directory]) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}

/// A test's own set-up failed.
package struct ScratchError: Error, CustomStringConvertible {
    package var description: String

    package init(description: String) {
        self.description = description
    }
}
