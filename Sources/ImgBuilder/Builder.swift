import ImgChecks
public import ImgReport

/// Builds images from Dockerfiles and pushes them, inside the calling process.
///
/// One builder serves any number of requests, one after the other or at once. They share the cache's directory and nothing
/// else: what a failed request gives back or removes must not be another one's. So threads, connections and tokens are each
/// request's own, and limits such as ``RegistrySettings/concurrency`` count for each.
public final class Builder: Sendable {
    let environment: BuilderEnvironment
    let events: any EventSink

    /// Nothing is opened or sent before the first request.
    ///
    /// - Parameters:
    ///   - environment: What the builder knows of the machine.
    ///   - events: Progress and warnings, from any thread.
    public init(environment: BuilderEnvironment, events: any EventSink = SilentEvents()) {
        self.environment = environment
        self.events = events
    }

    /// Builds an image for every platform and brings it where the request says.
    ///
    /// - Throws: ``BuildError`` with everything that is wrong; then no tag has been moved.
    public func build(_ request: BuildRequest) async throws(BuildError) -> BuildResult {
        try await perform(request) { session in
            try await BuildRun(session: session, request: request).build()
        }
    }

    /// Runs `body` for a request.
    func perform<Value: Sendable>(
        _ request: BuildRequest,
        _ body: @Sendable (BuildSession) async throws -> Value
    ) async throws(BuildError) -> Value {
        // Whoever asks for a consumer that does not exist learns of it in any case.
        _ = try Consumer.named(request.consumers)
        return try await perform(createsRepository: request.createsRepository, body)
    }

    /// Runs `body` with a session of its own; cancellation of the calling task is `.interrupted`.
    func perform<Value: Sendable>(
        createsRepository: Bool = false,
        _ body: @Sendable (BuildSession) async throws -> Value
    ) async throws(BuildError) -> Value {
        let session = BuildSession(environment: environment, events: events, createsRepository: createsRepository)
        do {
            let value = try await body(session)
            await session.finish()
            await session.shutdown()
            return value
        } catch {
            await session.abandon()
            await session.shutdown()
            throw Task.isCancelled ? BuildError(.interrupted, "interrupted") : BuildError(describing: error)
        }
    }
}
