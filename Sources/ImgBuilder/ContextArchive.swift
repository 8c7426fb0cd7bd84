import Glibc
import ImgOCI
import ImgStream

/// Unpacks a context's tar into a directory of its own.
///
/// Blocks.
///
/// Owners don't matter: what COPY takes from a context belongs to root (CTX-3). Devices are left out, as making them needs
/// rights that a build must not need.
enum ContextArchive {
    /// Whether a file begins with a valid tar header, compressed or not, whatever its name.
    static func isArchive(_ path: String) throws(StreamError) -> Bool {
        let source = try FileSource.open(path)
        guard let reader = try? TarReader(source, format: .anyCompression) else { return false }
        return (try? reader.next()) ?? nil != nil
    }

    static func unpack(_ source: any ByteSource, into root: String) throws(StreamError) {
        let reader = try TarReader(source, format: .anyCompression)
        var directories: [(path: String, header: TarHeader)] = []
        while let header = try reader.next() {
            guard let relative = safePath(header.path) else { continue }
            let path = relative.isEmpty ? root : "\(root)/\(relative)"
            try makeParents(of: relative, in: root)
            switch header.kind {
            case .directory:
                if !relative.isEmpty { unsafe mkdir(path, 0o755) }
                directories.append((path, header))
                continue
            case .file: try write(reader, header, to: path)
            case .symlink:
                unsafe unlink(path)
                let target = String(decoding: header.linkTarget, as: UTF8.self)
                guard unsafe symlink(target, path) == 0 else { throw .io(errno, "cannot make \(relative)") }
            case .hardlink:
                guard let target = safePath(header.linkTarget) else { continue }
                unsafe unlink(path)
                guard unsafe link("\(root)/\(target)", path) == 0 else { throw .io(errno, "cannot link \(relative)") }
                continue
            case .fifo:
                unsafe unlink(path)
                guard unsafe mkfifo(path, 0o600) == 0 else { throw .io(errno, "cannot make \(relative)") }
            case .charDevice, .blockDevice: continue
            }
            setMetadata(header, path)
        }
        // Innermost first: writing into a directory would change its time again.
        for directory in directories.reversed() { setMetadata(directory.header, directory.path) }
    }

    /// Clean and relative; nil when it leads out.
    private static func safePath(_ bytes: [UInt8]) -> String? {
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: "/").filter { $0 != "." }
        return parts.contains("..") ? nil : parts.joined(separator: "/")
    }

    /// Missing parents are made; a link among them would lead out of the directory and is replaced.
    private static func makeParents(of relative: String, in root: String) throws(StreamError) {
        var path = root
        for part in relative.split(separator: "/").dropLast() {
            path += "/\(part)"
            var info = stat()
            if unsafe lstat(path, &info) == 0 {
                if info.st_mode & S_IFMT == S_IFDIR { continue }
                unsafe unlink(path)
            }
            guard unsafe mkdir(path, 0o755) == 0 else { throw .io(errno, "cannot make \(path)") }
        }
    }

    private static func write(_ reader: TarReader, _ header: TarHeader, to path: String) throws(StreamError) {
        unsafe unlink(path)
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .io(errno, "cannot write \(path)") }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 256 << 10)
        while true {
            var result: Result<Int, StreamError> = .success(0)
            unsafe buffer.withUnsafeMutableBytes { bytes in
                do throws(StreamError) { result = .success(unsafe try reader.read(into: bytes)) } catch {
                    result = .failure(error)
                }
            }
            let count = try result.get()
            if count == 0 { return }
            var written = 0
            while written < count {
                let step = unsafe buffer.withUnsafeBytes { bytes in
                    unsafe Glibc.write(descriptor, bytes.baseAddress.map { unsafe $0 + written }, count - written)
                }
                guard step > 0 else { throw .io(errno, "cannot write \(path)") }
                written += step
            }
        }
    }

    private static func setMetadata(_ header: TarHeader, _ path: String) {
        let time = timespec(tv_sec: Int(header.mtime.seconds), tv_nsec: Int(header.mtime.nanoseconds))
        if header.kind != .symlink { unsafe chmod(path, mode_t(header.mode)) }
        _ = unsafe utimensat(AT_FDCWD, path, [time, time], AT_SYMLINK_NOFOLLOW)
    }
}
