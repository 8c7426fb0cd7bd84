import Glibc
import ImgTasks
import ImgTestKit
import Testing

struct BlockingPoolTests {
    @Test func blockingWorkLeavesTheCooperativePoolAlone() async throws {
        let pool = BlockingPool(threads: 8)
        #expect(pool.threadCount == 8)
        let start = ContinuousClock.now
        async let timer: Duration = {
            try await Task.sleep(for: .milliseconds(50))
            return ContinuousClock.now - start
        }()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask { try await pool.run { _ = usleep(300_000) } }
            }
            try await group.waitForAll()
        }
        #expect(ContinuousClock.now - start < .milliseconds(2000), "eight sleeps of 300 ms ran side by side")
        #expect(try await timer < .milliseconds(1500))
    }

    @Test func runsOnItsOwnThreads() async throws {
        let pool = BlockingPool(threads: 1, name: "pool-under-test")
        let name = try await pool.run { threadName() }
        #expect(name == "pool-under-test")
    }

    @Test func runsEvenFromAnActor() async throws {
        actor Caller {
            func name(_ pool: BlockingPool) async throws -> String { try await pool.run { threadName() } }
        }
        #expect(try await Caller().name(BlockingPool(threads: 1, name: "away")) == "away")
    }

    @Test func passesErrorsOn() async {
        struct Failure: Error {}
        await #expect(throws: Failure.self) { try await BlockingPool(threads: 1).run { throw Failure() } }
    }

    @Test func dropsQueuedWorkOfCancelledTasks() async throws {
        let pool = BlockingPool(threads: 1)
        let ran = Flag()
        let gate = ThreadSignal()
        let first = Task { try await pool.run { gate.wait() } }
        try await Task.sleep(for: .milliseconds(50))
        let second = Task { try await pool.run { ran.set(true) } }
        try await Task.sleep(for: .milliseconds(50))
        second.cancel()
        gate.post()
        try await first.value
        await #expect(throws: CancellationError.self) { try await second.value }
        #expect(!ran.value)
    }

    @Test func workSeesItsTasksCancellation() async throws {
        let pool = BlockingPool(threads: 1)
        let task = Task {
            try await pool.run {
                while !Task.isCancelled { usleep(1000) }
                return true
            }
        }
        try await Task.sleep(for: .milliseconds(30))
        task.cancel()
        #expect(try await task.value)
    }

    @Test func threadsEndWithThePool() async throws {
        let name = "pool-short-life"
        do {
            let pool = BlockingPool(threads: 3, name: name)
            try await pool.run {}
            // A thread takes its name when it first runs.
            for _ in 0..<500 where threadCount(named: name) < 3 { try await Task.sleep(for: .milliseconds(10)) }
            #expect(threadCount(named: name) == 3)
        }
        for _ in 0..<100 where threadCount(named: name) > 0 { try await Task.sleep(for: .milliseconds(10)) }
        #expect(threadCount(named: name) == 0)
    }

    @Test func manyJobsKeepTheirResults() async throws {
        let pool = BlockingPool(threads: 4)
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<5000 { group.addTask { try await pool.run { number } } }
            return try await group.reduce(0, +)
        }
        #expect(sum == 5000 * 4999 / 2)
    }
}

private func threadName() -> String { readText("/proc/thread-self/comm") }

private func threadCount(named name: String) -> Int {
    guard let directory = unsafe opendir("/proc/self/task") else { return -1 }
    defer { unsafe closedir(directory) }
    var count = 0
    while let entry = unsafe readdir(directory) {
        let id = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        if readText("/proc/self/task/\(id)/comm") == name { count += 1 }
    }
    return count
}

private func readText(_ path: String) -> String {
    let file = unsafe open(path, O_RDONLY)
    guard file >= 0 else { return "" }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = unsafe read(file, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, count - 1)), as: UTF8.self)
}
