import Glibc
import ImgOCI

/// What the operating system says about a file without reading it.
struct FileState: Hashable, Sendable {
    var device: UInt64
    var inode: UInt64
    var size: Int64
    var modified: Timestamp
    var changed: Timestamp

    /// Nil when the file is gone.
    init?(_ path: [UInt8]) {
        var info = stat()
        let name = path.map { CChar(bitPattern: $0) } + [0]
        let status = unsafe name.withUnsafeBufferPointer { buffer in
            unsafe buffer.baseAddress.map { unsafe lstat($0, &info) } ?? -1
        }
        guard status == 0 else { return nil }
        device = UInt64(info.st_dev)
        inode = UInt64(info.st_ino)
        size = Int64(info.st_size)
        modified = Timestamp(seconds: Int64(info.st_mtim.tv_sec), nanoseconds: Int32(info.st_mtim.tv_nsec))
        changed = Timestamp(seconds: Int64(info.st_ctim.tv_sec), nanoseconds: Int32(info.st_ctim.tv_nsec))
    }
}
