import ImgTasks
import ImgTestKit
import Synchronization
import Testing

@Suite("Counted bytes") struct ByteCounterTests {
    private struct Broken: Error {}

    @Test func changesAreToldWhileWorkGoesOn() async throws {
        let counter = ByteCounter()
        let told = Mutex<[Int64]>([])
        let result = await counter.watched { bytes in
            told.withLock { $0.append(bytes) }
        } during: { () async -> String in
            counter.add(3)
            counter.add(4)
            for _ in 0..<400 where told.withLock({ $0.isEmpty }) { try? await Task.sleep(for: .milliseconds(10)) }
            return "done"
        }
        #expect(result == "done")
        #expect(told.withLock { $0 } == [7])
    }

    @Test func nothingIsToldOfShortWork() async {
        let told = Counter()
        await ByteCounter()
            .watched { _ in
                told.add(1)
            } during: {
            }
        #expect(told.value == 0)
    }

    @Test func itsErrorComesThrough() async {
        await #expect(throws: Broken.self) {
            try await ByteCounter()
                .watched { _ in
                } during: {
                    throw Broken()
                }
        }
    }

    @Test func whatIsDoneAnewCountsAnew() {
        let counter = ByteCounter()
        counter.add(10)
        counter.reset(to: 2)
        counter.add(1)
        #expect(counter.value == 3)
    }
}
