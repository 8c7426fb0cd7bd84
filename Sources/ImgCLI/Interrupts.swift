import Glibc
import ImgReport
import Synchronization

/// Turns SIGINT and SIGTERM into cancellation; a second one ends the process at once (RETRY-8).
///
/// The signals are caught, not blocked and waited for: the main thread of a Swift program waits in `sigsuspend` with
/// nothing blocked, and programs that are started would inherit the mask.
final class Interrupts: Sendable {
    private let received = Mutex<Int32?>(nil)

    /// Where the handler, which may do next to nothing, writes the signal's number.
    private static let channel = Atomic<Int32>(-1)

    /// How long cancelled work may take to end, in milliseconds: a file system of the network may not answer.
    private static let patience: Int32 = 2500

    /// What a command fails with that a signal has ended.
    static func error(_ signal: Int32) -> BuildError {
        let word = signal == SIGTERM ? "terminated" : "interrupted"
        return BuildError(
            BuildError.Code(rawValue: 128 + signal),
            "\(word); run the same command again: what is finished is kept"
        )
    }

    /// The signal that ended the work; nil while none has arrived.
    var signal: Int32? { received.withLock { $0 } }

    /// Runs `work`; when a signal arrives its task is cancelled.
    func cancelling<Value: Sendable>(_ work: @Sendable @escaping () async throws -> Value) async throws -> Value {
        Glibc.signal(SIGPIPE, SIG_IGN)
        let task = Task { try await work() }
        watch { number in
            self.received.withLock { $0 = number }
            task.cancel()
        }
        return try await task.value
    }

    private func watch(_ cancel: @Sendable @escaping (Int32) -> Void) {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { return }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let box = unsafe Unmanaged.passRetained(Waiter(descriptor: ends[0], cancel: cancel))
        var thread = pthread_t()
        let status = unsafe pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<Waiter>.fromOpaque(argument).takeRetainedValue().wait()
                return nil
            },
            box.toOpaque()
        )
        guard status == 0 else {
            for end in ends { close(end) }
            return unsafe box.release()
        }
        Self.channel.store(ends[1], ordering: .sequentiallyConsistent)
        for number in [SIGINT, SIGTERM] where !Self.isIgnored(number) {
            Glibc.signal(number) { number in
                let before = errno
                var byte = UInt8(truncatingIfNeeded: number)
                _ = unsafe write(Interrupts.channel.load(ordering: .relaxed), &byte, 1)
                errno = before
            }
        }
    }

    /// Whether who started the process wants it to go on, as `nohup` and a shell's background jobs do.
    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        guard unsafe sigaction(number, nil, &action) == 0 else { return false }
        return unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
    }

    private final class Waiter: Sendable {
        private let descriptor: Int32
        private let cancel: @Sendable (Int32) -> Void

        init(descriptor: Int32, cancel: @escaping @Sendable (Int32) -> Void) {
            self.descriptor = descriptor
            self.cancel = cancel
        }

        func wait() {
            guard let first = next() else { return }
            cancel(first)
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            if unsafe poll(&entry, 1, Interrupts.patience) == 1, let second = next() { _exit(128 + second) }
            Console.standardError.print(ErrorText(Interrupts.error(first)).lines)
            _exit(128 + first)
        }

        private func next() -> Int32? {
            var byte: UInt8 = 0
            while true {
                let count = unsafe read(descriptor, &byte, 1)
                if count == 1 { return Int32(byte) }
                guard count < 0, errno == EINTR else { return nil }
            }
        }
    }
}
