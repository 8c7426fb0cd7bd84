package import ImgOCI
import ImgReport

/// One image of a repository, chosen for a platform: manifest and configuration, both verified.
package struct ResolvedImage: Hashable, Sendable {
    /// What the reference pointed to: an index or a manifest.
    package var root: Descriptor
    package var manifest: FetchedManifest
    package var config: [UInt8]
    /// The platform that the image is for, as the index or its configuration says.
    package var platform: Platform
}

extension Repository {
    private static let maxDepth = 4

    /// Chooses the image for a platform below a manifest or index that was fetched with ``resolve(_:)``.
    ///
    /// Nested indexes are descended (PULL-11). A single manifest is taken for whatever platform is wanted, with a warning
    /// when its configuration names another.
    /// - Throws: ``RegistryError`` with `.noPlatform` and the platforms that there are, or `.refused` for artifacts.
    package func image(below root: FetchedManifest, for platform: Platform) async throws(RegistryError) -> ResolvedImage
    {
        if root.descriptor.mediaType.isIndex {
            var seen: [Platform] = []
            if let image = try await search(root, root.descriptor, platform, depth: 1, &seen) { return image }
            throw mismatch(platform, available: seen)
        }
        let image = try await single(root, root.descriptor, declared: nil)
        warnAboutPlatform(of: image, wanted: platform)
        return image
    }

    private func search(
        _ fetched: FetchedManifest,
        _ root: Descriptor,
        _ platform: Platform,
        depth: Int,
        _ seen: inout [Platform]
    ) async throws(RegistryError) -> ResolvedImage? {
        guard depth <= Self.maxDepth else {
            throw session.error(.protocol, "choose an image", "indexes are nested more than \(Self.maxDepth) deep")
        }
        let index: ImageIndex
        do {
            index = try fetched.index()
        } catch {
            throw session.error(.protocol, "choose an image", error.description)
        }
        let candidates: [Descriptor]
        do {
            switch try PlatformSelection.choose(from: index, for: platform) {
            case .entry(let entry): candidates = [entry]
            case .undeclared(let entries): candidates = entries
            }
        } catch {
            seen += error.available
            return nil
        }
        for candidate in candidates {
            let child = try await manifest(candidate)
            if candidate.mediaType.isIndex {
                if let image = try await search(child, root, platform, depth: depth + 1, &seen) { return image }
                continue
            }
            let image = try await single(child, root, declared: candidate.platform)
            if candidate.platform != nil || platform.matchRank(of: image.platform) != nil { return image }
            seen.append(image.platform)
        }
        return nil
    }

    private func single(
        _ fetched: FetchedManifest,
        _ root: Descriptor,
        declared: Platform?
    ) async throws(RegistryError) -> ResolvedImage {
        let operation = "read the image"
        let manifest: ImageManifest
        do {
            manifest = try fetched.manifest()
        } catch {
            throw session.error(.protocol, operation, error.description)
        }
        try checkKind(of: manifest, operation)
        let config = try await blob(manifest.config)
        let parsed: ImageConfig
        do {
            parsed = try ImageConfig(parsing: config)
        } catch {
            throw session.error(.protocol, operation, "the configuration \(manifest.config.digest): \(error)")
        }
        guard parsed.diffIDs.count == manifest.layers.count else {
            throw session.error(
                .protocol,
                operation,
                "the manifest lists \(manifest.layers.count) layers, the configuration \(parsed.diffIDs.count)"
            )
        }
        return ResolvedImage(
            root: root,
            manifest: fetched,
            config: config,
            platform: (declared ?? parsed.platform).normalized
        )
    }

    /// Images only: no artifacts, no encrypted layers (PULL-22).
    private func checkKind(of manifest: ImageManifest, _ operation: String) throws(RegistryError) {
        if let encrypted = manifest.layers.first(where: { $0.mediaType.rawValue.hasSuffix("+encrypted") }) {
            throw session.error(.refused, operation, "encrypted layers are not supported (\(encrypted.mediaType))")
        }
        guard manifest.config.mediaType.isImageConfig else {
            let type = manifest.artifactType ?? manifest.config.mediaType.rawValue
            throw session.error(.refused, operation, "it is an artifact of type \(type), not an image")
        }
        if let unknown = manifest.layers.first(where: { !$0.mediaType.isLayer }) {
            throw session.error(.refused, operation, "layers of type \(unknown.mediaType) are not supported")
        }
    }

    private func warnAboutPlatform(of image: ResolvedImage, wanted: Platform) {
        guard wanted.matchRank(of: image.platform) == nil, !image.platform.os.isEmpty else { return }
        let text =
            "\(name)@\(image.root.digest.short) is an image for \(image.platform) only, \(wanted.normalized) was expected"
        guard client.notices.isFirst(text) else { return }
        client.events.emit(.warning(Diagnostic(.warning, text, rule: "InvalidBaseImagePlatform")))
    }

    private func mismatch(_ platform: Platform, available: [Platform]) -> RegistryError {
        var names: [String] = []
        for platform in available where !names.contains(platform.description) { names.append(platform.description) }
        let list = names.isEmpty ? "none" : names.joined(separator: ", ")
        var error = session.error(
            .noPlatform,
            "choose an image",
            "there is no image for \(platform); available: \(list)"
        )
        error.hints = ["choose another --platform or another base image"]
        return error
    }
}
