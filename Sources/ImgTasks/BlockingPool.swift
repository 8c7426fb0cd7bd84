import Synchronization

/// A fixed number of threads for C code that blocks or burns CPU, away from the cooperative pool.
///
/// Work stays in its task: `Task.isCancelled` and task-local values are seen inside, chunk by chunk.
/// The threads end when the pool is gone and its queue is empty.
package final class BlockingPool: TaskExecutor {
    private let queue = JobQueue()
    /// How many threads the system granted.
    package var threadCount: Int { queue.state.withLock { $0.threads } }

    /// Starts the threads.
    /// - Parameters:
    ///   - threads: How many; at least one.
    ///   - name: The threads' name, of which the kernel keeps 15 bytes.
    package init(threads: Int, name: String = "imgbuild-worker") {
        let queue = queue
        // Unowned: a thread uses it only while a job runs, and the job's caller holds the pool.
        let executor = unsafe asUnownedTaskExecutor()
        for _ in 0..<max(1, threads) {
            let started = WorkerThread.start(name: name) {
                while let job = queue.pop() {
                    unsafe job.runSynchronously(on: executor)
                }
            }
            if started {
                queue.state.withLock { $0.threads += 1 }
            }
        }
    }

    deinit {
        queue.close()
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if !queue.push(job) {
            // Not one thread to be had: better in place than never.
            unsafe job.runSynchronously(on: asUnownedTaskExecutor())
        }
    }

    /// Runs synchronous work on one of the threads.
    ///
    /// - Throws: What `work` throws; `CancellationError` if the task was cancelled before a thread was free.
    @concurrent
    package func run<T: Sendable>(_ work: @Sendable @escaping () throws -> T) async throws -> T {
        try Task.checkCancellation()
        return try await withTaskExecutorPreference(self) {
            try Task.checkCancellation()
            return try work()
        }
    }
}

/// Jobs in order of arrival, shared by the threads of a pool.
private final class JobQueue: Sendable {
    struct State {
        var jobs: [UnownedJob] = []
        /// Index of the first job that waits.
        var next = 0
        var threads = 0
        /// Threads that wait and that nobody has called yet.
        var idle = 0
        var closed = false

        mutating func removeFirst() -> UnownedJob? {
            guard next < jobs.count else { return nil }
            let job = jobs[next]
            next += 1
            if next == jobs.count || next >= 1024 {
                jobs.removeSubrange(..<next)
                next = 0
            }
            return job
        }
    }

    let state = Mutex(State())
    private let signal = ThreadSignal()

    /// Adds a job and calls a thread; false if there are none.
    func push(_ job: UnownedJob) -> Bool {
        let (accepted, wake) = state.withLock { state in
            guard state.threads > 0 else { return (false, false) }
            state.jobs.append(job)
            guard state.idle > 0 else { return (true, false) }
            state.idle -= 1
            return (true, true)
        }
        if wake {
            signal.post()
        }
        return accepted
    }

    /// The next job, or nil to end the thread.
    func pop() -> UnownedJob? {
        while true {
            let (job, closed) = state.withLock { state -> (UnownedJob?, Bool) in
                if let job = state.removeFirst() { return (job, false) }
                state.idle += 1
                return (nil, state.closed)
            }
            if let job { return job }
            if closed { return nil }
            signal.wait()
        }
    }

    func close() {
        let threads = state.withLock { state in
            state.closed = true
            return state.threads
        }
        for _ in 0..<threads {
            signal.post()
        }
    }
}
