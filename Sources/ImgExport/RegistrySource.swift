package import ImgOCI
package import ImgRegistry

/// An image in a repository.
package struct RegistrySource: ImageSource {
    /// Where it is read.
    package let remote: Repository
    private let reference: ImageReference

    package init(_ reference: ImageReference, client: RegistryClient) {
        self.reference = reference
        remote = client.repository(reference)
    }

    package var name: String { remote.name }
    package var repository: ImageReference? { reference }

    package func resolve() async throws -> ImageGraph.Content {
        let found = try await remote.resolve(ManifestSelector(reference))
        return ImageGraph.Content(descriptor: found.descriptor, bytes: found.bytes)
    }

    package func manifest(_ descriptor: Descriptor) async throws -> [UInt8] {
        try await remote.manifest(descriptor).bytes
    }

    package func blob(_ descriptor: Descriptor, limit: Int) async throws -> [UInt8] {
        try await remote.blob(descriptor, limit: limit)
    }

    package func holds(_ descriptor: Descriptor) async -> Bool {
        (try? await remote.hasBlob(descriptor)) ?? false
    }

    package func stream(_ descriptor: Descriptor) async throws -> ContentStream {
        let stream = remote.blobStream(descriptor)
        return ContentStream { try await stream.next() }
    }
}
