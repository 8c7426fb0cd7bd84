import Glibc

/// The processors of this machine.
package enum Processors {
    /// How many this thread may run on: a container or `taskset` may allow fewer than there are.
    package static var available: Int {
        allowed(inStatus: status()) ?? max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    }

    /// The number of bits in `Cpus_allowed`.
    ///
    /// - SeeAlso: `proc_pid_status(5)`; `sched_getaffinity(2)` is a GNU extension that Swift's Glibc module leaves out.
    static func allowed(inStatus text: String) -> Int? {
        let key = "Cpus_allowed:"
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(key) }) else { return nil }
        let count = line.dropFirst(key.count).reduce(0) { $0 + ($1.hexDigitValue?.nonzeroBitCount ?? 0) }
        return count > 0 ? count : nil
    }

    private static func status() -> String {
        let file = unsafe open("/proc/thread-self/status", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        // The mask of a machine with thousands of processors is in it.
        var bytes = [UInt8](repeating: 0, count: 16 << 10)
        let count = unsafe read(file, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}
