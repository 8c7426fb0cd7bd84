import Glibc
import ImgOCI

/// The mark on a blob's file that its content was verified: a modification time whose nanoseconds come from the digest.
///
/// Any program that writes to the file, copies it or unpacks it from an archive breaks the mark, and so does a restart of
/// the machine: blobs are not synced to the disk, as registries hold the truth, and a power failure may have lost some.
enum VerifiedStamp {
    static func set(_ descriptor: Int32, _ digest: Digest) {
        let times = times(digest)
        _ = unsafe futimens(descriptor, times)
    }

    static func set(_ path: String, _ digest: Digest) {
        let times = times(digest)
        _ = unsafe utimensat(AT_FDCWD, path, times, 0)
    }

    static func holds(_ info: stat, _ digest: Digest) -> Bool {
        Int(info.st_mtim.tv_nsec) == nanoseconds(digest) && Int64(info.st_mtim.tv_sec) >= started
    }

    /// When the machine started, in seconds since the epoch.
    private static var started: Int64 {
        var (now, running) = (timespec(), timespec())
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        unsafe clock_gettime(CLOCK_BOOTTIME, &running)
        return Int64(now.tv_sec) - Int64(running.tv_sec)
    }

    private static func times(_ digest: Digest) -> [timespec] {
        let now = timespec(tv_sec: time(nil), tv_nsec: nanoseconds(digest))
        return [now, now]
    }

    /// Below a thousand million, and not a round number of a coarser clock.
    private static func nanoseconds(_ digest: Digest) -> Int {
        (Int(digest.hex.prefix(7), radix: 16) ?? 0) * 2 + 1
    }
}
