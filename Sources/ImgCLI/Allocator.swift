import Glibc

/// The C library's memory allocator.
enum Allocator {
    /// `M_MMAP_THRESHOLD` and `M_ARENA_MAX` of `malloc.h`, which Swift's Glibc module leaves out.
    private static let settings: [(parameter: Int32, value: Int32)] = [(-3, 1 << 20), (-8, 1)]

    /// Makes glibc share freed memory between threads and give large blocks back, which it does not by default.
    ///
    /// Of 50,000 files in a context it would otherwise hold some 10 MiB more than is in use. Other C libraries stay as
    /// they are.
    static func keepSmall() {
        guard let symbol = unsafe dlsym(nil, "mallopt") else { return }
        let mallopt = unsafe unsafeBitCast(symbol, to: (@convention(c) (Int32, Int32) -> Int32).self)
        for setting in settings { _ = mallopt(setting.parameter, setting.value) }
    }
}
