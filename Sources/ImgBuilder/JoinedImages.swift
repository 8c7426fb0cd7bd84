import ImgExport
import ImgOCI
import ImgReport

/// Images on their way into one index: one for each platform, and the attestations of those that are in it.
struct JoinedImages: Sendable {
    /// The platforms that are asked for; empty means all.
    private let wanted: [Platform]
    /// What the sources have, asked for or not.
    private var available: [Platform] = []
    private var images: [ImageGraph.Image] = []
    private var attestations: [ImageGraph.Image] = []
    /// Whose image may give way to that of a source.
    private var replaceable: Set<Platform> = []

    init(platforms: [Platform]) {
        wanted = platforms
    }

    /// Takes an image whose platform is known.
    /// - Parameter isReplaceable: It is of the index that is appended to, which stays whatever is asked for.
    mutating func add(_ image: ImageGraph.Image, isReplaceable: Bool = false) throws(BuildError) {
        guard !Self.isAttestation(image), let platform = image.platform?.normalized else {
            attestations.append(image)
            return
        }
        if !isReplaceable {
            if !available.contains(platform) { available.append(platform) }
            guard wanted.isEmpty || wanted.contains(where: { $0.normalized == platform }) else { return }
        }
        guard let place = images.firstIndex(where: { $0.platform?.normalized == platform }) else {
            images.append(image)
            if isReplaceable { replaceable.insert(platform) }
            return
        }
        // A source replaces what the tag had; two sources for one platform are a mistake.
        guard !isReplaceable, replaceable.remove(platform) != nil else {
            throw BuildError(
                .usage,
                "\(platform) comes from two sources",
                hints: ["leave one out, or choose with --platform"]
            )
        }
        images[place] = image
    }

    /// The images in the order of the index.
    func finished() throws(BuildError) -> [ImageGraph.Image] {
        let missing = wanted.filter { !available.contains($0.normalized) }
        guard missing.isEmpty else {
            throw BuildError(
                .notFound,
                "no source has an image for \(Self.list(missing))",
                notes: ["available: \(available.isEmpty ? "none" : Self.list(available))"],
                hints: ["build what is missing first, or leave it out of --platform"]
            )
        }
        guard !images.isEmpty else { throw BuildError(.notFound, "there is no image to join") }
        let kept = Set(images.map(\.manifest.descriptor.digest.description))
        var seen: Set<Digest> = []
        return images
            + attestations.filter { attestation in
                let descriptor = attestation.manifest.descriptor
                return kept.contains(descriptor.annotations[Self.subjectKey] ?? "")
                    && seen.insert(descriptor.digest).inserted
            }
    }

    private static let subjectKey = "vnd.docker.reference.digest"

    /// Whether something is listed for what it says about another image.
    static func isAttestation(_ image: ImageGraph.Image) -> Bool {
        image.manifest.descriptor.annotations["vnd.docker.reference.type"] != nil
    }

    private static func list(_ platforms: [Platform]) -> String {
        platforms.map(\.description).joined(separator: ", ")
    }
}

extension DocumentTypes {
    /// The family of an index over images, which is theirs (MT-2).
    /// - Throws: ``BuildError`` when they are of both.
    init(of images: [ImageGraph.Image]) throws(BuildError) {
        let docker = images.filter(\.manifest.descriptor.mediaType.isDocker)
        guard docker.isEmpty || docker.count == images.count else {
            throw BuildError(
                "one index cannot list images of Docker's and of OCI's media types: registries refuse it",
                notes: images.map { image in
                    let descriptor = image.manifest.descriptor
                    return "\(image.platform?.description ?? "unknown"): \(descriptor.digest), \(descriptor.mediaType)"
                },
                hints: [
                    "build all of them with the same media types (--output type=registry,oci-mediatypes=true or false)"
                ]
            )
        }
        self.init(usesDocker: !docker.isEmpty)
    }
}
