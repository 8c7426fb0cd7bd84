import Glibc

/// Directories that are made for a while.
package enum TemporaryTree {
    /// Makes an empty directory that only this user can enter.
    ///
    /// - Returns: Its path; or nil, and `errno` says why.
    package static func make(in parent: String, _ name: String) -> String? {
        var template = Array("\(parent)/\(name)-XXXXXX".utf8CString)
        return unsafe template.withUnsafeMutableBufferPointer { buffer -> String? in
            guard let base = buffer.baseAddress, let made = unsafe mkdtemp(base) else { return nil }
            return unsafe String(cString: made)
        }
    }

    /// Removes a directory with all that is in it, as far as the system allows.
    ///
    /// Names stay bytes, as not all are text, and one directory is open at a time, however deep they lie.
    package static func remove(_ path: String) {
        var waiting = [Array(path.utf8CString)]
        var emptied: [[CChar]] = []
        while let directory = waiting.popLast() {
            emptied.append(directory)
            waiting += clear(directory)
        }
        for directory in emptied.reversed() { _ = unsafe rmdir(directory) }
    }

    /// Removes the files of a directory.
    /// - Returns: The directories in it.
    private static func clear(_ directory: [CChar]) -> [[CChar]] {
        var stream = unsafe opendir(directory)
        if unsafe stream == nil, errno == EACCES {
            _ = unsafe chmod(directory, 0o700)
            unsafe stream = opendir(directory)
        }
        guard let stream = unsafe stream else { return [] }
        defer { unsafe closedir(stream) }
        // Else a directory that cannot be written keeps what is in it.
        _ = unsafe fchmod(dirfd(stream), 0o700)
        var inner: [[CChar]] = []
        while let entry = unsafe readdir(stream) {
            unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
                let name = unsafe UnsafeRawPointer(field).assumingMemoryBound(to: CChar.self)
                guard unsafe strcmp(name, ".") != 0, unsafe strcmp(name, "..") != 0,
                    unsafe unlinkat(dirfd(stream), name, 0) != 0, errno == EISDIR
                else { return }
                let bytes = unsafe Array(UnsafeBufferPointer(start: name, count: strlen(name)))
                inner.append(directory.dropLast() + [CChar(UInt8(ascii: "/"))] + bytes + [0])
            }
        }
        return inner
    }
}
