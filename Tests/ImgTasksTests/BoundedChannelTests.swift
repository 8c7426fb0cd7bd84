import ImgTasks
import ImgTestKit
import Testing

struct BoundedChannelTests {
    struct Failure: Error {}

    enum Kind: CaseIterable, Sendable {
        case task
        case thread
    }

    @Test(arguments: Kind.allCases)
    func deliversAllInOrder(consumer: Kind) async throws {
        let channel = BoundedChannel<Int>(capacity: 3)
        let pool = BlockingPool(threads: 2)
        let count = 2000
        async let sent: Void = {
            for number in 0..<count { try await channel.send(number) }
            channel.finish()
        }()
        var received: [Int] = []
        switch consumer {
        case .task:
            while let number = try await channel.next() { received.append(number) }
        case .thread:
            received = try await pool.run {
                var received: [Int] = []
                while let number = try channel.nextBlocking() { received.append(number) }
                return received
            }
        }
        try await sent
        #expect(received == Array(0..<count))
    }

    @Test func holdsNoMoreThanItsCapacity() async throws {
        let channel = BoundedChannel<Int>(capacity: 2)
        let sent = Counter()
        let producer = Task {
            for number in 0..<10 {
                try await channel.send(number)
                sent.add(1)
            }
        }
        try await Task.sleep(for: .milliseconds(100))
        #expect(sent.value == 2)
        channel.cancel()
        await #expect(throws: ChannelClosed.self) { try await producer.value }
    }

    @Test func deliversWhatIsQueuedBeforeTheError() async throws {
        let channel = BoundedChannel<Int>(capacity: 4)
        try await channel.send(1)
        channel.finish(throwing: Failure())
        #expect(try await channel.next() == 1)
        await #expect(throws: Failure.self) { try await channel.next() }
        await #expect(throws: ChannelClosed.self) { try await channel.send(2) }
    }

    @Test(arguments: Kind.allCases) func waitingEndsWithCancellation(kind: Kind) async throws {
        let channel = BoundedChannel<Int>(capacity: 1)
        let pool = BlockingPool(threads: 1)
        let consumer = Task {
            switch kind {
            case .task: try await channel.next()
            case .thread: try await pool.run { try channel.nextBlocking() }
            }
        }
        try await Task.sleep(for: .milliseconds(50))
        consumer.cancel()
        await #expect(throws: CancellationError.self) { try await consumer.value }
        try await channel.send(4)
        #expect(try await channel.next() == 4)
    }
}
