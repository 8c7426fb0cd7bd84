package import ImgOCI
import ImgTasks

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
    let digest: Digest?
    private let provider: LayerProvider
    private let given: LayerIndex?
    private let indexes = OnceMap<Digest?, LayerIndex>()

    init(_ provider: LayerProvider) {
        digest = provider.digest
        self.provider = provider
        given = nil
    }

    init(digest: Digest?, index: LayerIndex) {
        self.digest = digest
        provider = LayerProvider(digest: digest, index: index)
        given = index
    }

    /// The index if it is loaded already.
    var loaded: LayerIndex? { given ?? indexes.value(ifReady: digest) }

    /// The index, loading it if need be.
    func index() async throws(TreeError) -> LayerIndex {
        if let loaded { return loaded }
        do {
            return try await indexes.value(for: digest, make: provider.load)
        } catch {
            throw .load(error)
        }
    }
}
