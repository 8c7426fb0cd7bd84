import ImgTasks
import Testing

@Suite struct BothTests {
    private struct Failure: Error, Equatable {
        let side: Int
    }

    @Test func bothValuesAreThere() async throws {
        let values = try await both {
            try await Task.sleep(for: .milliseconds(10))
            return 1
        } _: {
            "two"
        }
        #expect(values.0 == 1)
        #expect(values.1 == "two")
    }

    /// The other one would go on for an hour.
    @Test(arguments: [1, 2]) func aFailureEndsTheOther(_ side: Int) async {
        @Sendable func work(_ number: Int) async throws {
            guard number != side else { throw Failure(side: side) }
            try await Task.sleep(for: .seconds(3600))
        }
        await #expect(throws: Failure(side: side)) {
            try await both {
                try await work(1)
            } _: {
                try await work(2)
            }
        }
    }
}
