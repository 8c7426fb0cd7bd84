import Glibc
import Synchronization

/// Turns SIGINT and SIGTERM into cancellation; a second one ends the process at once (RETRY-8).
final class Interrupts: Sendable {
    /// Runs `work`; when a signal arrives its task is cancelled.
    func cancelling<Value: Sendable>(_ work: @Sendable @escaping () async throws -> Value) async throws -> Value {
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGINT)
        unsafe sigaddset(&signals, SIGTERM)
        // A mask that every thread inherits: only the waiting thread below sees the signals.
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
        signal(SIGPIPE, SIG_IGN)
        let task = Task { try await work() }
        let box = unsafe Unmanaged.passRetained(Waiter { task.cancel() })
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
        if status != 0 { unsafe box.release() }
        return try await task.value
    }

    private final class Waiter: Sendable {
        private let cancel: @Sendable () -> Void

        init(cancel: @escaping @Sendable () -> Void) {
            self.cancel = cancel
        }

        func wait() {
            var signals = sigset_t()
            unsafe sigemptyset(&signals)
            unsafe sigaddset(&signals, SIGINT)
            unsafe sigaddset(&signals, SIGTERM)
            var number: Int32 = 0
            unsafe sigwait(&signals, &number)
            cancel()
            unsafe sigwait(&signals, &number)
            _exit(130)
        }
    }
}
