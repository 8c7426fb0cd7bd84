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
    /// The thread's character type is UTF-8 whatever the process's locale is: C libraries convert file names by it.
    /// - Parameters:
    ///   - name: Shown by debuggers; the kernel keeps its first 15 bytes.
    ///   - stackSize: In bytes.
    /// - Returns: False if the system refused another thread.
    package static func start(name: String, stackSize: Int = 1 << 20, body: @escaping @Sendable () -> Void) -> Bool {
        let start = unsafe Unmanaged.passRetained(Start(name: name, body: body))
        var attributes = unsafe pthread_attr_t()
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
        _ = unsafe pthread_setname_np(pthread_self(), String(decoding: start.name.utf8.prefix(15), as: UTF8.self))
        let previous = unsafe newlocale(Int32(LC_CTYPE_MASK), "C.UTF-8", nil)
        if let locale = unsafe previous {
            unsafe uselocale(locale)
        }
        start.body()
        if let locale = unsafe previous {
            // The global locale must be back in use before the thread's own one is freed.
            unsafe uselocale(LC_GLOBAL_LOCALE_HANDLE)
            unsafe freelocale(locale)
        }
    }

    /// `LC_GLOBAL_LOCALE`, a cast macro that Swift does not import.
    private static var LC_GLOBAL_LOCALE_HANDLE: locale_t? { unsafe locale_t(bitPattern: -1) }
}
