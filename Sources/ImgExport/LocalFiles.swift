import Glibc
import ImgReport

/// Files of layouts and archives, by path.
///
/// Everything here blocks: it is called on pool threads.
enum LocalFiles {
    /// Reads a whole small file.
    /// - Throws: ``BuildError`` when it is absent, unreadable or larger than `limit` bytes.
    static func read(_ path: String, limit: Int) throws(BuildError) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("read", path, errno == ENOENT ? .notFound : .failure) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("read", path) }
            if count == 0 { return bytes }
            bytes.append(contentsOf: chunk[..<count])
            guard bytes.count <= limit else { throw BuildError("\(path) is larger than \(limit) bytes") }
        }
    }

    static func size(_ path: String) -> Int64? {
        var info = stat()
        guard unsafe stat(path, &info) == 0, info.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int64(info.st_size)
    }

    static func isDirectory(_ path: String) -> Bool {
        var info = stat()
        return unsafe stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
    }

    /// Creates a directory and its parents.
    static func makeDirectory(_ path: String) throws(BuildError) {
        if path.isEmpty || isDirectory(path) { return }
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try makeDirectory(String(path[..<slash])) }
        guard unsafe mkdir(path, 0o755) == 0 || errno == EEXIST else { throw failure("create", path) }
    }

    /// Runs `body` while nobody else does for the same directory, in this process or another.
    ///
    /// A file system that knows no locks is trusted to have one writer.
    static func locking<T>(_ directory: String, _ body: () throws(BuildError) -> T) throws(BuildError) -> T {
        let descriptor = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", directory) }
        defer { close(descriptor) }
        while flock(descriptor, LOCK_EX) != 0, errno == EINTR {}
        return try body()
    }

    /// Whether a directory is there, or can be made, and takes new files.
    static func checkDirectory(_ path: String) throws(BuildError) {
        var path = path
        // A link that leads nowhere is in the way, whatever is above it.
        var info = stat()
        while unsafe lstat(path, &info) != 0, errno == ENOENT { path = parent(path) }
        guard unsafe access(path + "/.", W_OK | X_OK) == 0 else { throw failure("write to", path) }
    }

    static func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func failure(_ verb: String, _ path: String, _ code: BuildError.Code = .failure) -> BuildError {
        BuildError(code, "cannot \(verb) \(path): \(unsafe String(cString: strerror(errno)))")
    }
}
