/// Does two things at a time; whichever fails first cancels the other, and its failure is the one that is thrown.
package func both<First: Sendable, Second: Sendable>(
    _ first: @Sendable @escaping () async throws -> First,
    _ second: @Sendable @escaping () async throws -> Second
) async throws -> (First, Second) {
    try await withThrowingTaskGroup(of: (first: First?, second: Second?).self) { group in
        group.addTask { (try await first(), nil) }
        group.addTask { (nil, try await second()) }
        var done: (first: First?, second: Second?) = (nil, nil)
        for try await part in group { done = (part.first ?? done.first, part.second ?? done.second) }
        guard let first = done.first, let second = done.second else { throw CancellationError() }
        return (first, second)
    }
}
