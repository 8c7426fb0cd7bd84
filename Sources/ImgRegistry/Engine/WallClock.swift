import Glibc

/// The time of day, for dates in headers and tokens.
enum WallClock {
    /// Since 1970-01-01T00:00:00Z.
    static var seconds: Int64 {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec)
    }
}
