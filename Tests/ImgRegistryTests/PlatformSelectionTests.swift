import ImgOCI
import ImgRegistry
import Testing

struct PlatformSelectionTests {
    private func entry(
        _ number: UInt8,
        _ platform: String?,
        type: MediaType = .ociManifest,
        artifact: String? = nil,
        note: [String: String] = [:]
    ) throws -> Descriptor {
        Descriptor(
            mediaType: type,
            digest: Digest(sha256: [UInt8](repeating: number, count: 32)),
            size: 10,
            annotations: note,
            platform: try platform.map { try Platform(parsing: $0, host: .host) },
            artifactType: artifact
        )
    }

    private func choose(_ entries: [Descriptor], _ wanted: String) throws -> Digest? {
        let choice = try PlatformSelection.choose(
            from: ImageIndex(manifests: entries),
            for: Platform(parsing: wanted, host: .host)
        )
        if case .entry(let found) = choice { return found.digest }
        return nil
    }

    @Test func prefersTheNearestVariant() throws {
        let entries = [try entry(1, "linux/arm/v5"), try entry(2, "linux/arm/v6"), try entry(3, "linux/arm64")]
        #expect(try choose(entries, "linux/arm/v7") == entries[1].digest)
        #expect(try choose(entries, "linux/arm64") == entries[2].digest)
    }

    @Test func ignoresWhatIsNoImage() throws {
        let entries = [
            try entry(1, "linux/amd64", artifact: "application/vnd.amazon.soci.index.v2+json"),
            try entry(2, "linux/amd64", note: ["vnd.docker.reference.type": "attestation-manifest"]),
            try entry(3, "linux/amd64"), try entry(4, "linux/amd64"),
        ]
        #expect(try choose(entries, "linux/amd64") == entries[2].digest)
    }

    @Test func listsWhatThereIs() throws {
        let entries = [try entry(1, "linux/amd64"), try entry(2, "linux/arm64"), try entry(3, "linux/amd64")]
        let mismatch = #expect(throws: PlatformSelection.Mismatch.self) { try choose(entries, "linux/s390x") }
        #expect(mismatch?.available.map(\.description) == ["linux/amd64", "linux/arm64"])
    }

    @Test func asksForConfigurationsOfUndeclaredEntries() throws {
        let entries = [try entry(1, nil), try entry(2, "linux/arm64")]
        let index = ImageIndex(manifests: entries)
        let choice = try PlatformSelection.choose(from: index, for: Platform(parsing: "linux/amd64", host: .host))
        #expect(choice == .undeclared([entries[0]]))
    }
}
