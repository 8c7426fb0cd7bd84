import Glibc
import ImgReport
import ImgTasks
import Synchronization

/// Temporary directories of one run, for checkouts; removed at its end.
final class ScratchDirectories: Sendable {
    private let parent: String
    private let pool: BlockingPool
    private let made = Mutex<[String]>([])

    init(parent: String, pool: BlockingPool) {
        self.parent = parent
        self.pool = pool
    }

    /// An empty directory that only this user can enter.
    func make(_ purpose: String) async throws -> String {
        let parent = parent
        let path = try await pool.run {
            var template = Array("\(parent)/imgbuild-\(purpose)-XXXXXX".utf8CString)
            let path = unsafe template.withUnsafeMutableBufferPointer { buffer -> String? in
                guard let base = buffer.baseAddress, let made = unsafe mkdtemp(base) else { return nil }
                return unsafe String(cString: made)
            }
            guard let path else {
                throw BuildError(
                    "cannot make a directory in \(parent): \(unsafe String(cString: strerror(errno)))",
                    hints: ["set TMPDIR"]
                )
            }
            return path
        }
        made.withLock { $0.append(path) }
        return path
    }

    /// Removes them all; called when nothing uses them any more.
    func removeAll() {
        for path in made.withLock({ paths in
            defer { paths = [] }
            return paths
        }) { Self.remove(path) }
    }

    private static func remove(_ path: String) {
        if let stream = unsafe opendir(path) {
            while let entry = unsafe readdir(stream) {
                let name = unsafe withUnsafePointer(to: entry.pointee.d_name) { pointer in
                    unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
                }
                if name == "." || name == ".." { continue }
                let inner = "\(path)/\(name)"
                var info = stat()
                guard unsafe lstat(inner, &info) == 0 else { continue }
                if info.st_mode & S_IFMT == S_IFDIR { remove(inner) } else { unsafe unlink(inner) }
            }
            unsafe closedir(stream)
        }
        unsafe rmdir(path)
    }
}
