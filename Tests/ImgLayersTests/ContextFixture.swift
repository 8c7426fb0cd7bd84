import Glibc
import ImgDockerfile
import ImgLayers
import ImgOCI
import ImgTasks

/// A context directory in the system's temporary directory, removed at the end.
final class ContextFixture: Sendable {
    let path: String

    /// - Parameter entries: `f 644 a/b content`, `d 700 a`, `l a -> b`, `h a -> b`, `p fifo`, `s socket`; ancestors are
    ///   made as needed, the mode may be left out, every time is 2001-09-09T01:46:40Z.
    init(_ entries: [String] = [], files: [String: [UInt8]] = [:]) throws {
        var template = Array("/tmp/imgbuild-context-XXXXXX".utf8CString)
        path = unsafe template.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress, let made = unsafe mkdtemp(base) else { return "/nonexistent" }
            return unsafe String(cString: made)
        }
        for entry in entries { try add(entry) }
        for (name, bytes) in files { try write(name, bytes, mode: 0o644) }
        try settle()
    }

    deinit { remove(path) }

    private func remove(_ directory: String) {
        _ = unsafe chmod(directory, 0o700)
        guard let stream = unsafe opendir(directory) else { return }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
            }
            if name != ".", name != ".." { names.append(name) }
        }
        _ = unsafe closedir(stream)
        for name in names {
            var status = stat()
            let inner = "\(directory)/\(name)"
            guard unsafe lstat(inner, &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR { remove(inner) } else { _ = unsafe unlink(inner) }
        }
        _ = unsafe rmdir(directory)
    }

    private struct Failure: Error {
        var what: String
        var code = errno
    }

    func add(_ entry: String) throws {
        var words = entry.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
        let kind = words.removeFirst()
        var mode: mode_t?
        if let number = words.first.flatMap({ mode_t($0, radix: 8) }), words.count > 1, words[1] != "->" {
            mode = number
            words.removeFirst()
        }
        let name = words.removeFirst()
        let inner = "\(path)/\(name)"
        try makeParents(of: name)
        switch kind {
        case "d":
            _ = unsafe mkdir(inner, 0o755)
            _ = unsafe chmod(inner, mode ?? 0o755)
        case "l": guard unsafe symlink(words[1], inner) == 0 else { throw Failure(what: entry) }
        case "h": guard unsafe link("\(path)/\(words[1])", inner) == 0 else { throw Failure(what: entry) }
        case "p":
            guard unsafe mkfifo(inner, 0o600) == 0 else { throw Failure(what: entry) }
            _ = unsafe chmod(inner, mode ?? 0o644)
        case "s": try makeSocket(inner, mode ?? 0o755)
        default: try write(name, Array(words.joined(separator: " ").utf8), mode: mode ?? 0o644)
        }
    }

    /// Makes many small files, such as `1/100`.
    func fill(directories: Int, files: Int) throws {
        for directory in 0..<directories {
            _ = unsafe mkdir("\(path)/\(directory)", 0o755)
            for file in 0..<files {
                let descriptor = unsafe open(
                    "\(path)/\(directory)/\(directory * files + file)",
                    O_WRONLY | O_CREAT,
                    0o644
                )
                guard descriptor >= 0 else { throw Failure(what: "\(file)") }
                _ = unsafe Glibc.write(descriptor, [0x78], 1)
                _ = close(descriptor)
            }
        }
    }

    private func makeParents(of name: String) throws {
        var end = name.startIndex
        while let slash = name[end...].firstIndex(of: "/") {
            _ = unsafe mkdir("\(path)/\(name[..<slash])", 0o755)
            end = name.index(after: slash)
        }
    }

    private func write(_ name: String, _ bytes: [UInt8], mode: mode_t) throws {
        try makeParents(of: name)
        let descriptor = unsafe open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard descriptor >= 0 else { throw Failure(what: name) }
        _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
        _ = fchmod(descriptor, mode)
        _ = close(descriptor)
    }

    private func makeSocket(_ path: String, _ mode: mode_t) throws {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let name = Array(path.utf8) + [0]
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: name.prefix(107)) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let status = unsafe withUnsafePointer(to: &address) {
            unsafe bind(descriptor, UnsafeRawPointer($0).assumingMemoryBound(to: sockaddr.self), size)
        }
        _ = close(descriptor)
        guard status == 0 else { throw Failure(what: path) }
        _ = unsafe chmod(path, mode)
    }

    /// Gives everything one time.
    private func settle() throws {
        setTimes(path)
    }

    private func setTimes(_ directory: String) {
        guard let stream = unsafe opendir(directory) else { return }
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
            }
            if name == "." || name == ".." { continue }
            let inner = "\(directory)/\(name)"
            var status = stat()
            guard unsafe lstat(inner, &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR { setTimes(inner) }
            setTime(inner, 1_000_000_000)
        }
        _ = unsafe closedir(stream)
    }

    private func setTime(_ path: String, _ seconds: Int) {
        let times = [timespec(tv_sec: seconds, tv_nsec: 0), timespec(tv_sec: seconds, tv_nsec: 0)]
        _ = unsafe utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW)
    }

    /// Gives one path a time of its own.
    func touch(_ name: String, _ seconds: Int) {
        setTime("\(path)/\(name)", seconds)
    }
}
