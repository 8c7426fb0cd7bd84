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

    /// Writes all bytes; 0 or the error number.
    static func write(_ descriptor: Int32, _ bytes: Span<UInt8>) -> Int32 {
        unsafe bytes.withUnsafeBytes { buffer in
            var written = 0
            while written < buffer.count {
                let count = unsafe Glibc.write(
                    descriptor,
                    buffer.baseAddress.map { unsafe $0 + written },
                    buffer.count - written
                )
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return count == 0 ? ENOSPC : errno }
                written += count
            }
            return 0
        }
    }

    /// Size of a regular file; nil when there is none.
    static func size(_ path: String) -> Int64? {
        var info = stat()
        guard unsafe lstat(path, &info) == 0, info.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int64(info.st_size)
    }

    /// Creates a directory with its parents; 0 or the error number.
    static func makeDirectory(_ path: String) -> Int32 {
        if unsafe mkdir(path, 0o755) == 0 || errno == EEXIST { return 0 }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return errno }
        let status = makeDirectory(String(path[..<slash]))
        guard status == 0 else { return status }
        return unsafe mkdir(path, 0o755) == 0 || errno == EEXIST ? 0 : errno
    }

    /// Marks a file as used now; pruning goes by it.
    static func touch(_ path: String) {
        let times = [
            timespec(tv_sec: 0, tv_nsec: Int(UTIME_NOW_VALUE)), timespec(tv_sec: 0, tv_nsec: Int(UTIME_OMIT_VALUE)),
        ]
        _ = unsafe utimensat(AT_FDCWD, path, times, 0)
    }

    /// `UTIME_NOW` and `UTIME_OMIT`, which are macros that Swift does not import.
    private static let UTIME_NOW_VALUE = (1 << 30) - 1
    private static let UTIME_OMIT_VALUE = (1 << 30) - 2

    /// Regular files below a directory.
    static func files(below directory: String) -> [(path: String, size: Int64, used: Int64)] {
        guard let stream = unsafe opendir(directory) else { return [] }
        defer { unsafe closedir(stream) }
        var found: [(path: String, size: Int64, used: Int64)] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name == "." || name == ".." { continue }
            let path = "\(directory)/\(name)"
            var info = stat()
            guard unsafe lstat(path, &info) == 0 else { continue }
            if info.st_mode & S_IFMT == S_IFDIR {
                found += files(below: path)
            } else if info.st_mode & S_IFMT == S_IFREG {
                found.append(
                    (path, Int64(info.st_blocks) * 512, max(Int64(info.st_atim.tv_sec), Int64(info.st_mtim.tv_sec)))
                )
            }
        }
        return found
    }
}
