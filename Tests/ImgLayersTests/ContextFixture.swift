import Glibc
import ImgDockerfile
import ImgLayers
import ImgOCI
import ImgTasks
import ImgTestKit

/// A context directory, removed at the end.
struct ContextFixture {
    private let scratch: Scratch

    var path: String { scratch.path }

    /// - Parameter entries: `f 644 a/b content`, `d 700 a`, `l a -> b`, `h a -> b`, `p fifo`, `s socket`; ancestors are
    ///   made as needed, the mode may be left out, every time is 2001-09-09T01:46:40Z.
    init(_ entries: [String] = [], files: [String: [UInt8]] = [:]) throws {
        scratch = try Scratch()
        for entry in entries { try add(entry) }
        for (name, bytes) in files { try scratch.write(name, bytes) }
        try settle()
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
        let inner = scratch[name]
        scratch.makeParents(of: name)
        switch kind {
        case "d":
            _ = unsafe mkdir(inner, 0o755)
            _ = unsafe chmod(inner, mode ?? 0o755)
        case "l": try scratch.link(name, to: words[1])
        case "h": guard unsafe link(scratch[words[1]], inner) == 0 else { throw Failure(what: entry) }
        case "p":
            guard unsafe mkfifo(inner, 0o600) == 0 else { throw Failure(what: entry) }
            _ = unsafe chmod(inner, mode ?? 0o644)
        case "s": try makeSocket(inner, mode ?? 0o755)
        default: try scratch.write(name, words.joined(separator: " "), mode: mode ?? 0o644)
        }
    }

    /// Makes many small files, such as `1/100`.
    func fill(directories: Int, files: Int) throws {
        for directory in 0..<directories {
            for file in 0..<files { try scratch.write("\(directory)/\(directory * files + file)", "x") }
        }
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

    /// Gives everything below a directory one time.
    private func settle(_ directory: String = "") throws {
        for name in scratch.names(in: directory) {
            let inner = directory.isEmpty ? name : "\(directory)/\(name)"
            if try scratch.isDirectory(inner) { try settle(inner) }
            touch(inner, 1_000_000_000)
        }
    }

    /// Gives one path a time of its own.
    func touch(_ name: String, _ seconds: Int) {
        let time = timespec(tv_sec: seconds, tv_nsec: 0)
        _ = unsafe utimensat(AT_FDCWD, scratch[name], [time, time], AT_SYMLINK_NOFOLLOW)
    }
}
