import Glibc

/// Replaces one file as a whole while other processes may do the same (LOG-4).
struct LockedReplacement {
    private let target: String
    private let directory: String

    /// - Parameter path: Symbolic links, dangling ones too, are followed to the file that they stand for.
    init(of path: String) throws(CredentialFileError) {
        let target = try Self.resolvingLinks(path)
        self.target = target
        directory = target.lastIndex(of: "/").map { String(target[..<$0]) } ?? "."
    }

    func run(_ edit: ([UInt8]?) throws -> [UInt8]?) throws {
        try makeDirectories()
        let lock = try takeLock()
        // Closing gives the lock up; the file stays, for removing it would let two processes hold different locks.
        defer { close(lock) }
        guard let replacement = try edit(try DiskFile.read(target)) else { return }
        try write(replacement)
    }

    private static func resolvingLinks(_ path: String) throws(CredentialFileError) -> String {
        var current = path
        for _ in 0..<40 {
            var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
            let count = unsafe buffer.withUnsafeMutableBytes { bytes in
                guard let start = unsafe bytes.bindMemory(to: CChar.self).baseAddress else { return 0 }
                return unsafe readlink(current, start, bytes.count)
            }
            guard count > 0 else { return current }
            let destination = String(decoding: buffer[..<count], as: UTF8.self)
            if destination.hasPrefix("/") {
                current = destination
            } else {
                let parent = current.lastIndex(of: "/").map { current[...$0] } ?? ""
                current = parent + destination
            }
        }
        throw CredentialFileError(path: path, reason: "too many levels of symbolic links")
    }

    private func makeDirectories() throws(CredentialFileError) {
        guard unsafe access(directory, F_OK) != 0 else { return }
        var path = directory.hasPrefix("/") ? "" : "."
        for component in directory.split(separator: "/") {
            path += "/" + component
            guard unsafe mkdir(path, 0o700) != 0, errno != EEXIST else { continue }
            // A directory above may be there and yet refuse new entries; only a missing one is a failure.
            let code = errno
            if unsafe access(path, F_OK) != 0 { throw DiskFile.failure(path, code) }
        }
    }

    /// Waits up to ten seconds: a login writes for milliseconds.
    private func takeLock() throws(CredentialFileError) -> Int32 {
        let path = target + ".lock"
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw DiskFile.failure(path, errno) }
        for _ in 0..<200 {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return descriptor }
            guard errno == EWOULDBLOCK || errno == EINTR else {
                let code = errno
                close(descriptor)
                throw DiskFile.failure(path, code)
            }
            usleep(50_000)
        }
        close(descriptor)
        throw CredentialFileError(path: path, reason: "another process holds the lock")
    }

    private func write(_ bytes: [UInt8]) throws(CredentialFileError) {
        let temporary = "\(target).\(getpid()).\(UInt32.random(in: 0...UInt32.max)).tmp"
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw DiskFile.failure(temporary, errno) }
        do throws(CredentialFileError) {
            defer { close(descriptor) }
            copyOwnership(to: descriptor)
            try write(bytes, to: descriptor, path: temporary)
            guard fsync(descriptor) == 0 else { throw DiskFile.failure(temporary, errno) }
        } catch {
            _ = unsafe unlink(temporary)
            throw error
        }
        guard unsafe rename(temporary, target) == 0 else {
            let code = errno
            _ = unsafe unlink(temporary)
            throw DiskFile.failure(target, code)
        }
        syncDirectory()
    }

    private func write(_ bytes: [UInt8], to descriptor: Int32, path: String) throws(CredentialFileError) {
        var offset = 0
        while offset < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(descriptor, buffer.baseAddress?.advanced(by: offset), buffer.count - offset)
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw DiskFile.failure(path, errno)
            }
            offset += count
        }
    }

    /// An existing file keeps its mode and owner, as far as this user may set them.
    private func copyOwnership(to descriptor: Int32) {
        var status = stat()
        guard unsafe stat(target, &status) == 0 else { return }
        _ = fchown(descriptor, status.st_uid, status.st_gid)
        _ = fchmod(descriptor, status.st_mode & 0o777)
    }

    /// Makes the rename durable; file systems that cannot sync a directory are no reason to fail.
    private func syncDirectory() {
        let descriptor = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }
}
