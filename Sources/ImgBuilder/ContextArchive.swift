import Glibc
import ImgOCI
import ImgStream
import ImgTree

/// Unpacks a context's tar into a directory of its own.
///
/// Blocks.
///
/// Owners don't matter: what COPY takes from a context belongs to root (CTX-3). Devices are left out, as making them needs
/// rights that a build must not need.
enum ContextArchive {
    /// Modes that differ from those on the disk, where the user may always read and remove what is there; by path.
    typealias Modes = [[UInt8]: UInt16]

    /// Whether a file begins with a valid tar header, compressed or not, whatever its name.
    static func isArchive(_ path: String) throws(StreamError) -> Bool {
        let source = try FileSource.open(path)
        guard let reader = try? TarReader(source, format: .anyCompression) else { return false }
        return (try? reader.next()) ?? nil != nil
    }

    /// - Parameter root: An empty directory.
    /// - Returns: What ``UnpackedTree`` needs beside the files.
    static func unpack(_ source: any ByteSource, into root: String) throws(StreamError) -> Modes {
        let reader = try TarReader(source, format: .anyCompression)
        let target = try ArchiveTarget(root)
        while let header = try reader.next() {
            guard let path = safePath(header.path), !path.isEmpty else { continue }
            switch header.kind {
            case .directory: try target.directory(path, header)
            case .file: try target.file(path, header, reader)
            case .symlink: try target.symlink(path, header)
            case .hardlink:
                guard let original = safePath(header.linkTarget), !original.isEmpty else { continue }
                try target.link(path, to: original)
            case .fifo: try target.fifo(path, header)
            case .charDevice, .blockDevice: continue
            }
        }
        return try target.finish()
    }

    /// Clean and relative; nil when it leads out.
    private static func safePath(_ bytes: [UInt8]) -> [UInt8]? {
        let parts = bytes.split(separator: UInt8(ascii: "/"))
        return parts.contains { $0.elementsEqual("..".utf8) } ? nil : TreePath.relative(bytes)
    }
}

/// The directory that an archive fills.
///
/// Every path is walked from it by one open directory after the other and never through a link: whoever made the archive
/// could lead out of it. No directory is ever removed.
private final class ArchiveTarget {
    private let rootPath: String
    private let root: Int32
    /// Where the last entry went: the next one is mostly beside it.
    private var near: (path: [UInt8], descriptor: Int32)?
    /// What directories get at the end, as writing into them changes their time; nil for those that no header names.
    private var directories: [[UInt8]: TarHeader?] = [:]
    private var newest = Timestamp.epoch
    private var modes: ContextArchive.Modes = [:]

    init(_ path: String) throws(StreamError) {
        rootPath = path
        root = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard root >= 0 else { throw .io(errno, "cannot open \(path)") }
    }

    deinit {
        if let near { close(near.descriptor) }
        close(root)
    }

    // MARK: Entries

    func directory(_ path: [UInt8], _ header: TarHeader) throws(StreamError) {
        _ = try open(path, making: true)
        directories[path] = header
        newest = max(newest, header.mtime)
    }

    func file(_ path: [UInt8], _ header: TarHeader, _ reader: TarReader) throws(StreamError) {
        let parent = try makeRoom(for: path)
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let descriptor = unsafe TreePath.name(path).withCName { unsafe openat(parent, $0, flags, 0o600) }
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        let part = Int(min(max(header.size, 512), 256 << 10))
        while true {
            try StreamError.checkCancellation()
            let chunk = try reader.readChunk(part)
            if chunk.isEmpty { break }
            var rest = chunk.span
            while rest.count > 0 {
                let count = unsafe rest.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw failure(path) }
                rest = rest.extracting(droppingFirst: count)
            }
        }
        setMode(descriptor, path, header.mode, always: 0o600)
        setTime(path, header, in: parent)
    }

    func symlink(_ path: [UInt8], _ header: TarHeader) throws(StreamError) {
        let parent = try makeRoom(for: path)
        let status = unsafe header.linkTarget[...]
            .withCName { target in
                unsafe TreePath.name(path).withCName { unsafe symlinkat(target, parent, $0) }
            }
        guard status == 0 else { throw failure(path) }
        setTime(path, header, in: parent)
    }

    func link(_ path: [UInt8], to original: [UInt8]) throws(StreamError) {
        let parent = try makeRoom(for: path)
        // The other parent may be the directory that is kept open, in place of which the first one would be closed.
        let own = dup(parent)
        defer { close(own) }
        let source = try open(TreePath.parent(original), making: false)
        let status = unsafe TreePath.name(original)
            .withCName { old in
                unsafe TreePath.name(path).withCName { unsafe linkat(source, old, own, $0, 0) }
            }
        guard status == 0 else { throw failure(path) }
        modes[path] = modes[original]
    }

    func fifo(_ path: [UInt8], _ header: TarHeader) throws(StreamError) {
        let parent = try makeRoom(for: path)
        guard unsafe TreePath.name(path).withCName({ unsafe mkfifoat(parent, $0, 0o600) }) == 0 else {
            throw failure(path)
        }
        if header.mode != 0o600 { modes[path] = header.mode }
        setTime(path, header, in: parent)
    }

    /// Gives directories their modes and times.
    func finish() throws(StreamError) -> ContextArchive.Modes {
        for (path, header) in directories {
            let descriptor = try open(path, making: false)
            setMode(descriptor, path, header?.mode ?? 0o755, always: 0o700)
            let time = (header?.mtime ?? newest).forSystem
            _ = unsafe futimens(descriptor, [time, time])
        }
        return modes
    }

    // MARK: Steps

    /// The open parent of an entry, nothing but a directory being there in its place any more.
    private func makeRoom(for path: [UInt8]) throws(StreamError) -> Int32 {
        let parent = try open(TreePath.parent(path), making: true)
        unsafe TreePath.name(path).withCName { _ = unsafe unlinkat(parent, $0, 0) }
        modes[path] = nil
        return parent
    }

    /// A directory, open until the next one is.
    ///
    /// - Parameter making: Whether missing ones are made; a link or a file among them is replaced.
    private func open(_ path: [UInt8], making: Bool) throws(StreamError) -> Int32 {
        if path.isEmpty { return root }
        if let near, near.path == path { return near.descriptor }
        guard rootPath.utf8.count + path.count + 1 < TreePath.longest else { throw failure(path, ENAMETOOLONG) }
        var current = root
        for component in path.split(separator: UInt8(ascii: "/")) {
            var next = Self.enter(component, in: current)
            if next < 0, making, errno == ENOENT || errno == ENOTDIR || errno == ELOOP {
                let reached = Array(path[..<component.endIndex])
                unsafe component.withCName { name in
                    _ = unsafe unlinkat(current, name, 0)
                    _ = unsafe mkdirat(current, name, 0o700)
                }
                modes[reached] = nil
                directories[reached] = .some(nil)
                next = Self.enter(component, in: current)
            }
            let code = errno
            if current != root { close(current) }
            guard next >= 0 else { throw failure(path, code) }
            current = next
        }
        if let near { close(near.descriptor) }
        near = (path, current)
        return current
    }

    private static func enter(_ name: ArraySlice<UInt8>, in directory: Int32) -> Int32 {
        unsafe name.withCName { unsafe openat(directory, $0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
    }

    /// Set-ID bits and what keeps the user out are for the image only.
    private func setMode(_ descriptor: Int32, _ path: [UInt8], _ mode: UInt16, always: UInt16) {
        let shown = mode & 0o777 | always
        fchmod(descriptor, mode_t(shown))
        if shown != mode { modes[path] = mode }
    }

    private func setTime(_ path: [UInt8], _ header: TarHeader, in parent: Int32) {
        newest = max(newest, header.mtime)
        let time = header.mtime.forSystem
        unsafe TreePath.name(path)
            .withCName { _ = unsafe utimensat(parent, $0, [time, time], AT_SYMLINK_NOFOLLOW) }
    }

    private func failure(_ path: [UInt8], _ code: Int32 = errno) -> StreamError {
        .io(code, "cannot unpack \(String(decoding: path, as: UTF8.self))")
    }
}

extension ArraySlice<UInt8> {
    /// The bytes as the system takes names.
    fileprivate func withCName<Value>(_ body: (UnsafePointer<CChar>) -> Value) -> Value {
        let name = map { CChar(bitPattern: $0) } + [0]
        return unsafe name.withUnsafeBufferPointer { buffer in
            // An array that is not empty has an address.
            if let base = buffer.baseAddress { unsafe body(base) } else { unsafe body("") }
        }
    }
}

extension Timestamp {
    fileprivate var forSystem: timespec { timespec(tv_sec: Int(seconds), tv_nsec: Int(nanoseconds)) }
}
