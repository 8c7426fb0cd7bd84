import ImgTasks
import ImgTestKit
import Testing

struct OnceMapTests {
    struct Failure: Error {}

    @Test func makesAValueOnceForAllCallers() async throws {
        let map = OnceMap<String, Int>()
        let calls = Counter()
        let values = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    try await map.value(for: "key") {
                        try await Task.sleep(for: .milliseconds(30))
                        return calls.add(1)
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(values == Array(repeating: 1, count: 50))
        #expect(map.value(ifReady: "key") == 1)
        map.forget("key")
        #expect(try await map.value(for: "key") { calls.add(1) } == 2)
    }

    @Test func keysAreIndependent() async throws {
        let map = OnceMap<Int, Int>()
        for key in 0..<5 { #expect(try await map.value(for: key) { key * 2 } == key * 2) }
    }

    @Test func failuresAreNotKept() async throws {
        let map = OnceMap<String, Int>()
        await #expect(throws: Failure.self) { try await map.value(for: "key") { throw Failure() } }
        #expect(try await map.value(for: "key") { 7 } == 7)
    }

    @Test func oneCancelledCallerLeavesTheOthersAlone() async throws {
        let map = OnceMap<String, Int>()
        let gate = BoundedChannel<Int>(capacity: 1)
        let running = Flag()
        let first = Task {
            try await map.value(for: "key") {
                running.set(true)
                return try await gate.next() ?? 0
            }
        }
        while !running.value { try await Task.sleep(for: .milliseconds(5)) }
        let joining = Flag()
        let second = Task {
            joining.set(true)
            return try await map.value(for: "key") { 2 }
        }
        while !joining.value { try await Task.sleep(for: .milliseconds(5)) }
        try await Task.sleep(for: .milliseconds(200))
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        try await gate.send(1)
        #expect(try await second.value == 1)
    }

    @Test func theLastCancelledCallerCancelsTheWork() async throws {
        let map = OnceMap<String, Int>()
        let cancelled = Flag()
        let caller = Task {
            try await map.value(for: "key") {
                do {
                    try await Task.sleep(for: .seconds(30))
                } catch {
                    cancelled.set(true)
                    throw error
                }
                return 1
            }
        }
        try await Task.sleep(for: .milliseconds(50))
        caller.cancel()
        await #expect(throws: CancellationError.self) { try await caller.value }
        #expect(try await map.value(for: "key") { 2 } == 2, "the next caller does not join the abandoned work")
        for _ in 0..<100 where !cancelled.value { try await Task.sleep(for: .milliseconds(10)) }
        #expect(cancelled.value)
    }
}
