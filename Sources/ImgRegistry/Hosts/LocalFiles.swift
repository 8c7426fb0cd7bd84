import Glibc
import ImgTasks

/// Reads configuration files and lists directories, away from the cooperative pool.
struct LocalFiles: Sendable {
    let pool: BlockingPool
    /// Bytes of a file that are read at most; certificate bundles are the largest.
    private static let limit = 16 << 20

    /// A failure with the path and the system's words.
    struct Failure: Error, Sendable {
        var path: String
        var errno: Int32

        var isMissing: Bool { errno == ENOENT || errno == ENOTDIR }
        var isDenied: Bool { errno == EACCES || errno == EPERM }
        var reason: String { unsafe String(cString: strerror(errno)) }
    }

    func read(_ path: String) async throws -> [UInt8] {
        try await pool.run { try Self.readNow(path) }
    }

    /// nil when the file does not exist or, with a system-wide file, must not be read (TLS-7).
    func readIfPresent(_ path: String) async throws -> [UInt8]? {
        do {
            return try await read(path)
        } catch let failure as Failure where failure.isMissing || failure.isDenied {
            return nil
        }
    }

    /// File names in a directory, sorted; empty when there is no such directory.
    func list(_ path: String) async throws -> [String] {
        try await pool.run { Self.listNow(path) }
    }

    private static func readNow(_ path: String) throws -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(path: path, errno: errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= limit {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                throw Failure(path: path, errno: errno)
            }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
        throw Failure(path: path, errno: EFBIG)
    }

    private static func listNow(_ path: String) -> [String] {
        guard let directory = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}
