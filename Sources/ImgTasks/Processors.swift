import Glibc

/// The processors of this machine.
package enum Processors {
    /// How many this thread may keep busy: a container or `taskset` may allow fewer than there are.
    package static var available: Int {
        let count = allowed(inStatus: read("/proc/thread-self/status")) ?? Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let limits = groups(inList: read("/proc/self/cgroup"))
            .compactMap { granted(byLimit: read("/sys/fs/cgroup\($0)/cpu.max")) }
        return max(1, min(count, limits.min() ?? count))
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

    /// The control group of a process and those above it.
    ///
    /// - SeeAlso: `cgroups(7)`
    static func groups(inList text: String) -> [String] {
        guard let own = text.split(separator: "\n").first(where: { $0.hasPrefix("0::/") }) else { return [] }
        let names = own.dropFirst(4).split(separator: "/")
        return (0...names.count).map { count in names.prefix(count).map { "/\($0)" }.joined() }
    }

    /// What `cpu.max` comes to, in whole processors: time, and in how much time, in microseconds.
    static func granted(byLimit text: String) -> Int? {
        let numbers = text.split { $0 == " " || $0 == "\n" }.map { Int($0) }
        guard numbers.count == 2, let time = numbers[0], let period = numbers[1], time > 0, period > 0 else {
            return nil
        }
        return (time - 1) / period + 1
    }

    private static func read(_ path: String) -> String {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        // The mask of a machine with thousands of processors is in it.
        var bytes = [UInt8](repeating: 0, count: 16 << 10)
        let count = unsafe Glibc.read(file, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}
