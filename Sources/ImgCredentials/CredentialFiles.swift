import Glibc
package import ImgTasks

/// The files that credentials are read from.
package protocol CredentialFiles: Sendable {
    /// The whole file, at most 1 MiB; nil when there is none.
    func read(_ path: String) async throws(CredentialFileError) -> [UInt8]?

    /// Replaces a file by way of a temporary one beside it, mode 0600 for a new file; an existing one keeps its mode.
    ///
    /// Symbolic links are followed and their target is replaced. `edit` gets the present bytes (nil when there are
    /// none) under an advisory lock and returns what to write, or nil to leave everything as it is.
    func update(
        _ path: String,
        _ edit: @escaping @Sendable ([UInt8]?) throws -> [UInt8]?
    ) async throws
}

/// A file that could not be read or written.
package struct CredentialFileError: Error, Hashable, Sendable, CustomStringConvertible {
    package let path: String
    package let reason: String
    /// Whether it is there, perhaps, and this user may not read it.
    package let isDenied: Bool

    package init(path: String, reason: String, isDenied: Bool = false) {
        self.path = path
        self.reason = reason
        self.isDenied = isDenied
    }

    package var description: String { "\(path): \(reason)" }
}

/// The files of this machine, touched on pool threads.
package struct LocalCredentialFiles: CredentialFiles {
    private let pool: BlockingPool

    package init(pool: BlockingPool) {
        self.pool = pool
    }

    package func read(_ path: String) async throws(CredentialFileError) -> [UInt8]? {
        do {
            return try await pool.run { try DiskFile.read(path) }
        } catch let error as CredentialFileError {
            throw error
        } catch {
            throw CredentialFileError(path: path, reason: "reading was cancelled")
        }
    }

    package func update(
        _ path: String,
        _ edit: @escaping @Sendable ([UInt8]?) throws -> [UInt8]?
    ) async throws {
        try await pool.run { try LockedReplacement(of: path).run(edit) }
    }
}

/// Blocking reads with a limit.
enum DiskFile {
    /// 1 MiB: no file of credentials comes near.
    static let limit = 1 << 20

    /// - Returns: nil when the file or a directory above it doesn't exist.
    static func read(_ path: String) throws(CredentialFileError) -> [UInt8]? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw failure(path, errno)
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                throw failure(path, errno)
            }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= limit else {
                throw CredentialFileError(path: path, reason: "larger than 1 MiB")
            }
        }
    }

    static func failure(_ path: String, _ code: Int32) -> CredentialFileError {
        let isDenied = code == EACCES || code == EPERM
        return CredentialFileError(path: path, reason: unsafe String(cString: strerror(code)), isDenied: isDenied)
    }
}
