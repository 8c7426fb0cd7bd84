package import ImgOCI
import Synchronization

/// Where a layer's index comes from.
package struct LayerProvider: Sendable {
    /// Identifies the layer; nil for one that has no blob of its own yet.
    package var digest: Digest?
    /// Fetches or reads the index; called at most once at a time, and not again after it has succeeded.
    package var load: @Sendable () async throws -> LayerIndex

    package init(digest: Digest?, load: @escaping @Sendable () async throws -> LayerIndex) {
        self.digest = digest
        self.load = load
    }

    /// A layer whose index is at hand.
    package init(digest: Digest? = nil, index: LayerIndex) {
        self.digest = digest
        load = { index }
    }
}

/// One layer of a stack, loaded when first asked, by one task for all that wait.
final class LayerSlot: Sendable {
    /// Gets nil when it has to try itself.
    private typealias Waiter = CheckedContinuation<Result<LayerIndex, any Error>?, Never>

    private enum State {
        case idle
        case loading([Waiter])
        case loaded(LayerIndex)
    }

    let digest: Digest?
    private let provider: LayerProvider
    private let state: Mutex<State>

    init(_ provider: LayerProvider) {
        digest = provider.digest
        self.provider = provider
        state = Mutex(.idle)
    }

    init(digest: Digest?, index: LayerIndex) {
        self.digest = digest
        provider = LayerProvider(digest: digest, index: index)
        state = Mutex(.loaded(index))
    }

    /// The index if it is loaded already.
    var loaded: LayerIndex? {
        state.withLock { if case .loaded(let index) = $0 { index } else { nil } }
    }

    /// The index, loading it if need be.
    ///
    /// A failure is given to all that wait and is not kept; a cancelled loader's work is taken over by the next waiter.
    func index() async throws(TreeError) -> LayerIndex {
        while true {
            if let index = loaded { return index }
            let isLeader = state.withLock { state in
                guard case .idle = state else { return false }
                state = .loading([])
                return true
            }
            if isLeader { return try await lead() }
            switch await follow() {
            case nil: continue
            case .success(let index)?: return index
            case .failure(let error)?: throw .load(error)
            }
        }
    }

    private func lead() async throws(TreeError) -> LayerIndex {
        let result: Result<LayerIndex, any Error>
        do { result = .success(try await provider.load()) } catch { result = .failure(error) }
        let waiting = state.withLock { state -> [Waiter] in
            guard case .loading(let waiting) = state else { return [] }
            if case .success(let index) = result { state = .loaded(index) } else { state = .idle }
            return waiting
        }
        let isAbandoned = Task.isCancelled
        for waiter in waiting {
            if case .failure = result, isAbandoned {
                waiter.resume(returning: nil)
            } else {
                waiter.resume(returning: result)
            }
        }
        switch result {
        case .success(let index): return index
        case .failure(let error): throw .load(error)
        }
    }

    /// Waits for the leader; nil to try again.
    private func follow() async -> Result<LayerIndex, any Error>? {
        await withCheckedContinuation { continuation in
            let outcome: Result<LayerIndex, any Error>?? = state.withLock { state in
                switch state {
                case .idle: return .some(nil)
                case .loaded(let index): return .some(.success(index))
                case .loading(let waiting):
                    state = .loading(waiting + [continuation])
                    return nil
                }
            }
            if let outcome { continuation.resume(returning: outcome) }
        }
    }
}
