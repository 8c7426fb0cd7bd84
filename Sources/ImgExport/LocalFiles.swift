import Glibc
import ImgReport
import Synchronization

/// Files of layouts and archives, by path.
///
/// Everything here blocks: it is called on pool threads.
enum LocalFiles {
    /// Reads a whole small file.
    /// - Throws: ``BuildError`` when it is absent, unreadable or larger than `limit` bytes.
    static func read(_ path: String, limit: Int, followsLinks: Bool = true) throws(BuildError) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | (followsLinks ? 0 : O_NOFOLLOW))
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

    static func failure(_ verb: String, _ path: String, _ code: BuildError.Code = .failure) -> BuildError {
        BuildError(code, "cannot \(verb) \(path): \(unsafe String(cString: strerror(errno)))")
    }
}

/// A file being written: under a draft name until it is complete.
final class DraftFile: Sendable {
    private let path: String
    private let draft: String
    /// -1 once it is closed.
    private let descriptor: Mutex<Int32>

    /// - Parameter path: Where the file will be; `-` is standard output.
    init(path: String) throws(BuildError) {
        self.path = path
        draft = path == "-" ? "" : "\(path).\(getpid()).draft"
        let opened =
            path == "-" ? dup(STDOUT_FILENO) : unsafe open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        descriptor = Mutex(opened)
        guard opened >= 0 else { throw LocalFiles.failure("write", path) }
    }

    deinit {
        let open = descriptor.withLock { $0 }
        guard open >= 0 else { return }
        close(open)
        if !draft.isEmpty { unsafe unlink(draft) }
    }

    func write(_ bytes: Span<UInt8>) throws(BuildError) {
        let target = descriptor.withLock { $0 }
        var rest = bytes
        while rest.count > 0 {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(target, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw LocalFiles.failure("write", path) }
            rest = rest.extracting(droppingFirst: count)
        }
    }

    /// Gives the file its name.
    func commit() throws(BuildError) {
        let open = descriptor.withLock { open in
            defer { open = -1 }
            return open
        }
        close(open)
        guard unsafe draft.isEmpty || rename(draft, path) == 0 else {
            let error = LocalFiles.failure("write", path)
            unsafe unlink(draft)
            throw error
        }
    }
}
