import ImgTasks
import ImgTestKit
import Testing

struct LimiterTests {
    @Test(arguments: [1, 3]) func neverLetsMoreInThanAllowed(limit: Int) async throws {
        let limiter = Limiter(limit: limit)
        let inside = Counter()
        let seen = Collected<Int>()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    try await limiter.withSlot {
                        seen.append(inside.add(1))
                        try await Task.sleep(for: .milliseconds(5))
                        inside.add(-1)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(seen.all.max() == limit)
        #expect(limiter.inUse == 0)
    }

    @Test func letsTasksInByOrderOfArrival() async throws {
        let limiter = Limiter(limit: 1)
        let order = Collected<Int>()
        let gate = BoundedChannel<Int>(capacity: 1)
        let holder = Task { try await limiter.withSlot { _ = try await gate.next() } }
        while limiter.inUse == 0 { await Task.yield() }
        var tasks: [Task<Void, any Error>] = []
        for number in 0..<5 {
            tasks.append(Task { try await limiter.withSlot { order.append(number) } })
            try await Task.sleep(for: .milliseconds(20))
        }
        try await gate.send(0)
        try await holder.value
        for task in tasks { try await task.value }
        #expect(order.all == [0, 1, 2, 3, 4])
    }

    @Test func aCancelledWaiterFreesItsPlace() async throws {
        let limiter = Limiter(limit: 1)
        let gate = BoundedChannel<Int>(capacity: 1)
        let holder = Task { try await limiter.withSlot { _ = try await gate.next() } }
        while limiter.inUse == 0 { await Task.yield() }
        let waiter = Task { try await limiter.withSlot {} }
        try await Task.sleep(for: .milliseconds(30))
        waiter.cancel()
        await #expect(throws: CancellationError.self) { try await waiter.value }
        try await gate.send(0)
        try await holder.value
        #expect(try await limiter.withSlot { 5 } == 5)
    }

    @Test func aFailureGivesTheSlotBack() async throws {
        struct Failure: Error {}
        let limiter = Limiter(limit: 1)
        await #expect(throws: Failure.self) { try await limiter.withSlot { throw Failure() } }
        #expect(limiter.inUse == 0)
    }

    @Test func raisingTheLimitLetsWaitersIn() async throws {
        let limiter = Limiter(limit: 1)
        let gate = BoundedChannel<Int>(capacity: 1)
        let holder = Task { try await limiter.withSlot { _ = try await gate.next() } }
        while limiter.inUse == 0 { await Task.yield() }
        let waiter = Task { try await limiter.withSlot { true } }
        try await Task.sleep(for: .milliseconds(30))
        limiter.limit = 2
        #expect(try await waiter.value)
        gate.finish()
        try await holder.value
    }
}
