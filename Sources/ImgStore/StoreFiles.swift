import Glibc

/// The few calls on paths that the store makes; every failure is an error number.
enum StoreFiles {
    static func read(_ path: String, limit: Int) -> [UInt8]? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { _ = close(descriptor) }
        var info = stat()
        guard unsafe fstat(descriptor, &info) == 0, info.st_size <= limit else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(info.st_size))
        var filled = 0
        while filled < bytes.count {
            let count = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe Glibc.read(descriptor, buffer.baseAddress.map { unsafe $0 + filled }, buffer.count - filled)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return nil }
            filled += count
        }
        return bytes
    }

    /// Writes all bytes, or as many as the system takes; the status is 0 or the error number.
    static func write(_ descriptor: Int32, _ bytes: Span<UInt8>) -> (done: Int, status: Int32) {
        unsafe bytes.withUnsafeBytes { buffer in
            var written = 0
            while written < buffer.count {
                let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[written...])
                let count = unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return (written, count == 0 ? ENOSPC : errno) }
                written += count
            }
            return (written, 0)
        }
    }

    /// What closing a file would tell, while it stays open; 0 or the error number.
    ///
    /// Some file systems, those of the network among them, tell only then whether there was room.
    static func settle(_ descriptor: Int32) -> Int32 {
        let other = dup(descriptor)
        return other >= 0 && close(other) == 0 || errno == EINTR ? 0 : errno
    }

    /// Copies the start of one file to another; 0 or the error number.
    static func copy(from old: Int32, to new: Int32, count: Int64) -> Int32 {
        var chunk = [UInt8](repeating: 0, count: 256 << 10)
        var done: Int64 = 0
        while done < count {
            let wanted = Int(min(Int64(chunk.count), count - done))
            let read = unsafe chunk.withUnsafeMutableBytes { unsafe pread(old, $0.baseAddress, wanted, off_t(done)) }
            if read < 0, errno == EINTR { continue }
            guard read > 0 else { return read == 0 ? EIO : errno }
            let status = write(new, chunk.span.extracting(first: read)).status
            guard status == 0 else { return status }
            done += Int64(read)
        }
        return 0
    }

    static func describe(_ status: Int32) -> String { unsafe String(cString: strerror(status)) }

    /// What the system says about a regular file; nil when there is none.
    static func regularFile(_ path: String) -> stat? {
        var info = stat()
        guard unsafe lstat(path, &info) == 0, info.st_mode & S_IFMT == S_IFREG else { return nil }
        return info
    }

    /// Creates a directory with its parents; 0 or the error number.
    static func makeDirectory(_ path: String, mode: mode_t = 0o755) -> Int32 {
        if unsafe mkdir(path, mode) == 0 || errno == EEXIST { return 0 }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return errno }
        let status = makeDirectory(String(path[..<slash]), mode: mode)
        guard status == 0 else { return status }
        return unsafe mkdir(path, mode) == 0 || errno == EEXIST ? 0 : errno
    }

    /// Marks a file as used now; pruning goes by it.
    static func touch(_ path: String) {
        let times = [
            timespec(tv_sec: 0, tv_nsec: now), timespec(tv_sec: 0, tv_nsec: omitted),
        ]
        _ = unsafe utimensat(AT_FDCWD, path, times, 0)
    }

    /// `UTIME_NOW` and `UTIME_OMIT`, which are macros that Swift does not import.
    private static let now = (1 << 30) - 1
    private static let omitted = (1 << 30) - 2

    /// A regular file; times are in seconds since the epoch.
    typealias File = (path: String, size: Int64, used: Int64, modified: Int64)

    /// Regular files below a directory.
    static func files(below directory: String) -> [File] {
        var found: [File] = []
        for (path, info) in entries(of: directory) {
            switch info.st_mode & S_IFMT {
            case S_IFDIR: found += files(below: path)
            case S_IFREG:
                let modified = Int64(info.st_mtim.tv_sec)
                found.append((path, Int64(info.st_blocks) * 512, max(Int64(info.st_atim.tv_sec), modified), modified))
            default: break
            }
        }
        return found
    }

    private static func entries(of directory: String) -> [(path: String, info: stat)] {
        guard let stream = unsafe opendir(directory) else { return [] }
        defer { unsafe closedir(stream) }
        var found: [(path: String, info: stat)] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name == "." || name == ".." { continue }
            var info = stat()
            if unsafe lstat("\(directory)/\(name)", &info) == 0 { found.append(("\(directory)/\(name)", info)) }
        }
        return found
    }
}
