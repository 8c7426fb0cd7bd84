import Glibc

/// Starts plain, detached threads for work that blocks.
package enum WorkerThread {
    private final class Start {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Runs `body` on a new detached thread.
    ///
    /// - Parameters:
    ///   - name: Shown by debuggers; the kernel keeps its first 15 bytes.
    ///   - stackSize: In bytes.
    ///   - body: What to run; the thread ends with it.
    /// - Returns: False if the system refused another thread.
    package static func start(name: String, stackSize: Int = 1 << 20, body: @escaping @Sendable () -> Void) -> Bool {
        let start = unsafe Unmanaged.passRetained(Start(name: name, body: body))
        var attributes = pthread_attr_t()
        guard unsafe pthread_attr_init(&attributes) == 0 else {
            unsafe start.release()
            return false
        }
        defer { unsafe pthread_attr_destroy(&attributes) }
        unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        unsafe pthread_attr_setstacksize(&attributes, stackSize)
        var thread = pthread_t()
        let status = unsafe pthread_create(
            &thread,
            &attributes,
            { context in
                guard let context = unsafe context else { return nil }
                let start = unsafe Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
                WorkerThread.run(start)
                return nil
            },
            start.toOpaque()
        )
        if status != 0 {
            unsafe start.release()
        }
        return status == 0
    }

    private static func run(_ start: Start) {
        setName(start.name)
        start.body()
    }

    private static func setName(_ name: String) {
        // pthread_setname_np is a GNU extension that Swift's Glibc module leaves out.
        let file = unsafe open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        defer { close(file) }
        var bytes = Array(name.utf8.prefix(15))
        _ = unsafe write(file, &bytes, bytes.count)
    }
}
