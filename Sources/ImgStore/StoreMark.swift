import Glibc

/// Tells those who prune a store that a build uses it: a locked file that is there for as long.
///
/// The lock ends with the process, however that ends; nobody waits for it.
final class StoreMark: Sendable {
    private let path: String
    private let descriptor: Int32

    private init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    /// Nil where there are no locks: a killed process's mark could not be told from others.
    ///
    /// - Parameter draft: Where the file lies until it is locked: pruning removes those that are not.
    static func make(in directory: String, draft: String) -> StoreMark? {
        guard StoreFiles.makeDirectory(directory) == 0 else { return nil }
        let descriptor = unsafe open(draft, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { return nil }
        let path = "\(directory)/\(draft.split(separator: "/").last ?? "")"
        guard flock(descriptor, LOCK_SH | LOCK_NB) == 0, unsafe rename(draft, path) == 0 else {
            unsafe unlink(draft)
            _ = close(descriptor)
            return nil
        }
        return StoreMark(path: path, descriptor: descriptor)
    }

    deinit {
        unsafe unlink(path)
        _ = close(descriptor)
    }

    /// When the oldest build that runs began, in seconds since the epoch; nil when none runs.
    ///
    /// Removes the marks that a killed process has left.
    static func oldest(in directory: String) -> Int64? {
        var oldest: Int64?
        for mark in StoreFiles.files(below: directory) {
            let descriptor = unsafe open(mark.path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { continue }
            defer { _ = close(descriptor) }
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 {
                unsafe unlink(mark.path)
            } else {
                oldest = min(oldest ?? .max, mark.modified)
            }
        }
        return oldest
    }
}
