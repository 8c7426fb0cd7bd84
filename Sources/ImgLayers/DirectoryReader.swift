import Glibc
import ImgOCI
import ImgReport
import ImgStream
import ImgTree
import Synchronization

/// An open directory that everything below is reached from, one component at a time and never through a link.
final class DirectoryRoot: Sendable {
    private let descriptor: Int32
    /// Absolute, free of symbolic links, without a trailing `/` (empty for the file system's root).
    let path: [UInt8]
    private let trail = Mutex(Trail())

    private init(adopting descriptor: Int32, path: [UInt8]) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit {
        trail.withLock { $0.cut(to: 0) }
        _ = close(descriptor)
    }

    /// Opens a directory; links on the way to it are followed.
    static func open(_ path: String) throws(BuildError) -> DirectoryRoot {
        guard let real = unsafe realpath(path, nil) else { throw failure("open", path, errno) }
        defer { unsafe free(real) }
        let descriptor = unsafe Glibc.open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", path, errno) }
        var bytes = unsafe Array(UnsafeRawBufferPointer(start: real, count: strlen(real)))
        if bytes == [UInt8(ascii: "/")] { bytes = [] }
        return DirectoryRoot(adopting: descriptor, path: bytes)
    }

    private static func failure(_ operation: String, _ path: String, _ code: Int32) -> BuildError {
        BuildError(.failure, "\(operation) \(path): \(systemMessage(code))")
    }

    /// Everything in one directory, sorted bytewise by name.
    ///
    /// - Parameter directory: Relative; each component must still be a directory.
    /// - Throws: ``BuildError`` when the directory cannot be read.
    func list(_ directory: [UInt8]) throws(BuildError) -> DirectoryListing {
        guard directory.count <= TreePath.longest else { throw unreadable(directory, ENAMETOOLONG) }
        let opened = descend(to: directory)
        guard opened >= 0 else { throw unreadable(directory, errno) }
        guard let stream = unsafe fdopendir(opened) else {
            let code = errno
            _ = close(opened)
            throw unreadable(directory, code)
        }
        defer { _ = unsafe closedir(stream) }
        var listing = DirectoryListing()
        while true {
            errno = 0
            guard let record = unsafe readdir(stream) else {
                if errno != 0 { throw unreadable(directory, errno) }
                break
            }
            unsafe withUnsafePointer(to: &record.pointee.d_name) { tuple in
                let name = unsafe UnsafeRawPointer(tuple).assumingMemoryBound(to: CChar.self)
                unsafe listing.append(name: UnsafeRawBufferPointer(start: name, count: strlen(name)))
            }
        }
        listing.sort()
        unsafe listing.fill(from: dirfd(stream))
        return listing
    }

    func unreadable(_ inner: [UInt8], _ code: Int32) -> BuildError {
        let shown = String(decoding: path + [UInt8(ascii: "/")] + inner, as: UTF8.self)
        return BuildError(
            .failure,
            "cannot read \(shown): \(systemMessage(code))",
            hints: ["exclude it in .dockerignore if it does not belong into the image"]
        )
    }

    /// A new descriptor of a directory.
    private func descend(to directory: [UInt8]) -> Int32 {
        let components = directory.split(separator: UInt8(ascii: "/"))
        let near = components.prefix(Trail.limit)
        var current = trail.withLock { trail -> Int32 in
            let last = trail.follow(near, from: descriptor)
            return last < 0 ? last : unsafe openat(last, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        }
        for component in components.dropFirst(Trail.limit) {
            guard current >= 0 else { return current }
            let next = Trail.open(component, in: current)
            let code = errno
            _ = close(current)
            errno = code
            current = next
        }
        return current
    }
}

/// The open directories on the way to the one that was read last: the next one is mostly near.
private struct Trail {
    /// Directories that are kept open; those deeper are opened each time.
    static let limit = 32

    private var steps: [(name: ArraySlice<UInt8>, descriptor: Int32)] = []

    /// Goes down from a root, opening what the last way did not; -1 as `openat` says.
    ///
    /// - Returns: A descriptor that is the trail's own, or the root's.
    mutating func follow(_ components: ArraySlice<ArraySlice<UInt8>>, from root: Int32) -> Int32 {
        var depth = 0
        for component in components {
            if depth == steps.count || steps[depth].name != component {
                cut(to: depth)
                let next = Self.open(component, in: steps.last?.descriptor ?? root)
                guard next >= 0 else { return next }
                steps.append((component, next))
            }
            depth += 1
        }
        cut(to: depth)
        return steps.last?.descriptor ?? root
    }

    mutating func cut(to depth: Int) {
        while steps.count > depth { _ = close(steps.removeLast().descriptor) }
    }

    static func open(_ component: ArraySlice<UInt8>, in directory: Int32) -> Int32 {
        let name = Array(component) + [0]
        return unsafe name.withUnsafeBytes { buffer -> Int32 in
            guard let base = buffer.baseAddress else { return -1 }
            let text = unsafe base.assumingMemoryBound(to: CChar.self)
            return unsafe openat(directory, text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        }
    }
}

/// What one directory holds, as the system tells.
struct DirectoryListing {
    struct Item {
        var nameStart = 0
        var nameLength = 0
        var kind: EntryKind = .file
        var mode: UInt16 = 0
        var size: Int64 = 0
        var mtime = Timestamp.epoch
        var ctime = Timestamp.epoch
        var device: UInt64 = 0
        var inode: UInt64 = 0
        var isShared = false
        var deviceMajor: UInt32 = 0
        var deviceMinor: UInt32 = 0
        var linkTarget: [UInt8] = []
        /// Why the system does not tell about it; 0 when it does.
        var failure: Int32 = 0
    }

    /// The names, each followed by a zero byte.
    private(set) var names: [UInt8] = []
    private(set) var items: [Item] = []

    func name(_ item: Item) -> ArraySlice<UInt8> {
        names[item.nameStart..<item.nameStart + item.nameLength]
    }

    mutating func append(name: UnsafeRawBufferPointer) {
        let isDot = unsafe name.count <= 2 && name.allSatisfy { $0 == UInt8(ascii: ".") }
        if isDot { return }
        items.append(Item(nameStart: names.count, nameLength: name.count))
        unsafe names.append(contentsOf: name)
        names.append(0)
    }

    fileprivate mutating func sort() {
        let names = names
        items.sort { left, right in
            names[left.nameStart..<left.nameStart + left.nameLength]
                .lexicographicallyPrecedes(names[right.nameStart..<right.nameStart + right.nameLength])
        }
    }

    /// Asks the system about every name; what vanished meanwhile is dropped.
    mutating func fill(from descriptor: Int32) {
        for position in items.indices { items[position].failure = examine(position, in: descriptor) }
        items.removeAll { $0.failure == ENOENT }
    }

    /// 0 or the error number.
    private mutating func examine(_ position: Int, in descriptor: Int32) -> Int32 {
        var status = stat()
        let start = items[position].nameStart
        let result = unsafe names.withUnsafeBytes { buffer -> Int32 in
            guard let base = buffer.baseAddress else { return -1 }
            let name = unsafe (base + start).assumingMemoryBound(to: CChar.self)
            return unsafe fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW)
        }
        guard result == 0 else { return errno }
        items[position].adopt(status)
        guard items[position].kind == .symlink else { return 0 }
        let link = readLink(descriptor, start, size: Int(status.st_size))
        items[position].linkTarget = link.target
        return link.failure
    }

    private func readLink(_ descriptor: Int32, _ start: Int, size: Int) -> (target: [UInt8], failure: Int32) {
        var target = [UInt8](repeating: 0, count: max(size, 0) + 4096)
        let length = unsafe names.withUnsafeBytes { buffer -> Int in
            guard let base = buffer.baseAddress else { return -1 }
            let name = unsafe (base + start).assumingMemoryBound(to: CChar.self)
            return unsafe target.withUnsafeMutableBytes { room -> Int in
                guard let place = room.baseAddress else { return -1 }
                return unsafe readlinkat(descriptor, name, place.assumingMemoryBound(to: CChar.self), room.count)
            }
        }
        return length < 0 ? ([], errno) : (Array(target[..<length]), 0)
    }
}

extension DirectoryListing.Item {
    /// Takes what `fstatat` said; sockets become empty regular files (CTX-3).
    fileprivate mutating func adopt(_ status: stat) {
        mode = UInt16(truncatingIfNeeded: status.st_mode & 0o7777)
        mtime = Timestamp(
            seconds: Int64(status.st_mtim.tv_sec),
            nanoseconds: Int32(truncatingIfNeeded: status.st_mtim.tv_nsec)
        )
        ctime = Timestamp(
            seconds: Int64(status.st_ctim.tv_sec),
            nanoseconds: Int32(truncatingIfNeeded: status.st_ctim.tv_nsec)
        )
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        switch status.st_mode & S_IFMT {
        case S_IFREG:
            kind = .file
            size = Int64(status.st_size)
            isShared = status.st_nlink > 1
        case S_IFDIR: kind = .directory
        case S_IFLNK: kind = .symlink
        case S_IFIFO: kind = .fifo
        case S_IFCHR: kind = .charDevice
        case S_IFBLK: kind = .blockDevice
        default: kind = .file
        }
        if kind == .charDevice || kind == .blockDevice {
            let number = UInt64(status.st_rdev)
            deviceMajor = UInt32(truncatingIfNeeded: (number >> 8 & 0xfff) | (number >> 32 & 0xffff_f000))
            deviceMinor = UInt32(truncatingIfNeeded: (number & 0xff) | (number >> 12 & 0xffff_ff00))
        }
    }
}

/// The system's words for an error number, in lower case as Go prints them.
func systemMessage(_ code: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    let text = unsafe buffer.withUnsafeMutableBufferPointer { room -> String in
        guard let base = room.baseAddress else { return "" }
        guard unsafe strerror_r(code, base, room.count) == 0 else { return "" }
        return unsafe String(cString: base)
    }
    return text.isEmpty ? "error \(code)" : text.prefix(1).lowercased() + text.dropFirst()
}
