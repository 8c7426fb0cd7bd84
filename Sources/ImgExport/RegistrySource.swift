package import ImgOCI
package import ImgRegistry

/// An image in a repository.
package struct RegistrySource: ImageSource {
    /// Where it is read.
    package let remote: Repository
    private let reference: ImageReference
    private let cache: DocumentCache?

    /// - Parameter cache: Serves manifests and configurations that were read before; nil always asks the registry.
    package init(_ reference: ImageReference, client: RegistryClient, cache: DocumentCache? = nil) {
        self.reference = reference
        self.cache = cache
        remote = client.repository(reference)
    }

    package var name: String { remote.name }
    package var repository: ImageReference? { reference }

    package func resolve() async throws -> ImageGraph.Content {
        if let known = try await unchanged() { return known }
        let found = try await remote.resolve(ManifestSelector(reference))
        let content = ImageGraph.Content(descriptor: found.descriptor, bytes: found.bytes)
        try await cache?.keep(manifest: content)
        if reference.digest == nil { try await cache?.keep(target: content.descriptor.digest, of: reference) }
        return content
    }

    /// What the reference leads to when that is in the cache; a tag is asked for with a HEAD, and only if an answer can
    /// spare the GET (HUB-3, PULL-3).
    private func unchanged() async throws -> ImageGraph.Content? {
        guard let cache else { return nil }
        if let digest = reference.digest { return try await cache.manifest(digest) }
        guard let last = try await cache.lastTarget(of: reference), let known = try await cache.manifest(last) else {
            return nil
        }
        let current = try await remote.headManifest(ManifestSelector(reference))
        return current?.digest == last ? known : nil
    }

    package func manifest(_ descriptor: Descriptor) async throws -> [UInt8] {
        if let known = try await cache?.manifest(descriptor.digest), known.descriptor.size == descriptor.size {
            return known.bytes
        }
        let found = try await remote.manifest(descriptor)
        try await cache?.keep(manifest: ImageGraph.Content(descriptor: found.descriptor, bytes: found.bytes))
        return found.bytes
    }

    package func blob(_ descriptor: Descriptor, limit: Int) async throws -> [UInt8] {
        if let known = try await cache?.config(descriptor), known.count <= limit { return known }
        let bytes = try await remote.blob(descriptor, limit: limit)
        try await cache?.keep(config: bytes, descriptor)
        return bytes
    }

    package func holds(_ descriptor: Descriptor) async -> Bool {
        (try? await remote.hasBlob(descriptor)) ?? false
    }

    package func stream(_ descriptor: Descriptor) async throws -> ContentStream {
        let stream = remote.blobStream(descriptor)
        return ContentStream { try await stream.next() }
    }
}
