import Glibc
package import ImgReport
import ImgTasks
import Synchronization

/// A file being written: under a draft name until it is complete, so that a reader sees the old or the new content.
///
/// The directory may be shared with others. A draft's name cannot be foreseen, and nothing that is there is written to.
/// Devices and pipes, such as `/dev/stdout`, are written as they are. Blocks.
package final class DraftFile: Sendable {
    private let path: String
    /// Empty for what has no draft.
    private let draft: String
    /// -1 once it is closed.
    let descriptor: Mutex<Int32>

    /// - Parameter path: Where the file will be; `-` is standard output.
    package init(path: String) throws(BuildError) {
        self.path = path
        let opened: Int32
        if path == "-" || Self.isStream(path) {
            draft = ""
            opened = path == "-" ? dup(STDOUT_FILENO) : unsafe open(path, O_WRONLY | O_CLOEXEC)
        } else {
            draft = "\(path).\(String(UInt64.random(in: 0 ... .max), radix: 36)).draft"
            opened = unsafe open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
        }
        descriptor = Mutex(opened)
        guard opened >= 0 else { throw LocalFiles.failure("write", path) }
    }

    deinit {
        let open = descriptor.withLock { $0 }
        guard open >= 0 else { return }
        close(open)
        if !draft.isEmpty { unsafe unlink(draft) }
    }

    /// Writes a whole small file.
    package static func replace(_ path: String, with bytes: [UInt8]) throws(BuildError) {
        let draft = try DraftFile(path: path)
        try draft.write(bytes.span)
        try draft.commit()
    }

    /// Throws what ``init(path:)`` and ``commit()`` would if the file were written now; leaves no trace.
    package static func check(_ path: String) throws(BuildError) {
        if path == "-" { return }
        if LocalFiles.isDirectory(path) {
            errno = EISDIR
            throw LocalFiles.failure("write", path)
        }
        let isOpen =
            unsafe isStream(path)
            ? access(path, W_OK) == 0 : access(LocalFiles.parent(path) + "/.", W_OK | X_OK) == 0
        guard isOpen else { throw LocalFiles.failure("write", path) }
    }

    private static func isStream(_ path: String) -> Bool {
        var info = stat()
        guard unsafe stat(path, &info) == 0 else { return false }
        return info.st_mode & S_IFMT == S_IFCHR || info.st_mode & S_IFMT == S_IFIFO
    }

    package func write(_ bytes: Span<UInt8>) throws(BuildError) {
        let target = descriptor.withLock { $0 }
        var rest = bytes
        while rest.count > 0 {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(target, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN {
                DescriptorWait.forRoom(target)
                continue
            }
            guard count > 0 else { throw LocalFiles.failure("write", path) }
            rest = rest.extracting(droppingFirst: count)
        }
    }

    /// Gives the file its name.
    package func commit() throws(BuildError) {
        let open = descriptor.withLock { open in
            defer { open = -1 }
            return open
        }
        // Some file systems, those of the network among them, tell only at the end whether there was room.
        let isWhole = close(open) == 0 || errno == EINTR
        guard isWhole, unsafe draft.isEmpty || rename(draft, path) == 0 else {
            let error = LocalFiles.failure("write", path)
            unsafe unlink(draft)
            throw error
        }
    }
}
