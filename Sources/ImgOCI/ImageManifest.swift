/// The manifest of one image: its configuration and its layers.
///
/// - SeeAlso: <https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md>
public struct ImageManifest: Hashable, Sendable {
    /// OCI manifest or Docker schema 2.
    public var mediaType: MediaType
    /// The kind of an artifact; nil for runnable images.
    public var artifactType: String?
    /// The configuration blob.
    public var config: Descriptor
    /// Bottom first.
    public var layers: [Descriptor]
    /// What an artifact is about.
    public var subject: Descriptor?
    /// Free text by key.
    public var annotations: [String: String]

    /// Makes a manifest.
    public init(
        mediaType: MediaType = .ociManifest,
        artifactType: String? = nil,
        config: Descriptor,
        layers: [Descriptor],
        subject: Descriptor? = nil,
        annotations: [String: String] = [:]
    ) {
        self.mediaType = mediaType
        self.artifactType = artifactType
        self.config = config
        self.layers = layers
        self.subject = subject
        self.annotations = annotations
    }

    /// Parses a manifest.
    ///
    /// `mediaType` is what the descriptor or the registry called it, used when the document doesn't say.
    public init(parsing bytes: [UInt8], mediaType: MediaType? = nil) throws(OCIError) {
        let document = try ManifestDocument(parsing: bytes, mediaType: mediaType)
        guard document.mediaType.isManifest else {
            throw OCIError("expected an image manifest, got \(document.mediaType)")
        }
        let object = document.object
        self.mediaType = document.mediaType
        self.artifactType = object["artifactType"]?.stringValue
        self.config = try Descriptor(json: object["config"], at: "config")
        let layers = object["layers"]?.arrayValue ?? []
        guard layers.count <= ManifestDocument.maxEntries else {
            throw OCIError("manifest lists \(layers.count) layers")
        }
        self.layers = []
        for (index, layer) in layers.enumerated() {
            self.layers.append(try Descriptor(json: layer, at: "layers[\(index)]"))
        }
        if let subject = object["subject"], subject != .null {
            self.subject = try Descriptor(json: subject, at: "subject")
        }
        self.annotations = [String: String](json: object["annotations"])
    }

    /// The bytes to store and push; member order of MT-6.
    public func encoded() -> [UInt8] {
        var object = JSONObject()
        object["schemaVersion"] = .integer(2)
        object["mediaType"] = .string(mediaType.rawValue)
        object["artifactType"] = artifactType.map(JSON.string)
        object["config"] = config.json
        object["layers"] = .array(layers.map(\.json))
        object["subject"] = subject?.json
        if !annotations.isEmpty { object["annotations"] = .sortedObject(annotations) }
        return JSON.object(object).encoded()
    }
}

/// An image index or Docker manifest list: one image per platform.
///
/// - SeeAlso: <https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md>
public struct ImageIndex: Hashable, Sendable {
    /// OCI index or Docker manifest list.
    public var mediaType: MediaType
    /// The kind of an artifact; nil for images.
    public var artifactType: String?
    /// In the order of the document.
    public var manifests: [Descriptor]
    /// What an artifact is about.
    public var subject: Descriptor?
    /// Free text by key.
    public var annotations: [String: String]

    /// Makes an index.
    public init(
        mediaType: MediaType = .ociIndex,
        artifactType: String? = nil,
        manifests: [Descriptor],
        subject: Descriptor? = nil,
        annotations: [String: String] = [:]
    ) {
        self.mediaType = mediaType
        self.artifactType = artifactType
        self.manifests = manifests
        self.subject = subject
        self.annotations = annotations
    }

    /// Parses an index.
    ///
    /// `mediaType` is what the descriptor or the registry called it, used when the document doesn't say.
    public init(parsing bytes: [UInt8], mediaType: MediaType? = nil) throws(OCIError) {
        let document = try ManifestDocument(parsing: bytes, mediaType: mediaType)
        guard document.mediaType.isIndex else { throw OCIError("expected an image index, got \(document.mediaType)") }
        let object = document.object
        self.mediaType = document.mediaType
        self.artifactType = object["artifactType"]?.stringValue
        let entries = object["manifests"]?.arrayValue ?? []
        guard entries.count <= ManifestDocument.maxEntries else {
            throw OCIError("index lists \(entries.count) manifests")
        }
        self.manifests = []
        for (index, entry) in entries.enumerated() {
            self.manifests.append(try Descriptor(json: entry, at: "manifests[\(index)]"))
        }
        if let subject = object["subject"], subject != .null {
            self.subject = try Descriptor(json: subject, at: "subject")
        }
        self.annotations = [String: String](json: object["annotations"])
    }

    /// The bytes to store and push; member order of MT-11.
    public func encoded() -> [UInt8] {
        var object = JSONObject()
        object["schemaVersion"] = .integer(2)
        object["mediaType"] = .string(mediaType.rawValue)
        object["artifactType"] = artifactType.map(JSON.string)
        object["manifests"] = .array(manifests.map(\.json))
        object["subject"] = subject?.json
        if !annotations.isEmpty { object["annotations"] = .sortedObject(annotations) }
        return JSON.object(object).encoded()
    }

    /// The entries that are images, in order.
    package var images: [Descriptor] { manifests.filter(\.isImage) }
}

extension Descriptor {
    /// Whether an entry of an index is an image or an index of images: no SOCI index, no attestation (PULL-9).
    package var isImage: Bool {
        (mediaType.isManifest || mediaType.isIndex) && artifactType == nil
            && annotations["vnd.docker.reference.type"] == nil
            && !(platform?.os == "unknown" && platform?.architecture == "unknown")
    }
}

/// A manifest or index as JSON, with its kind decided (PULL-5…7).
package struct ManifestDocument: Sendable {
    /// Entries of one document that are accepted (SEC-14).
    package static let maxEntries = 1000

    package let object: JSONObject
    package let mediaType: MediaType

    /// - Parameter declared: `Content-Type` or the descriptor's type; parameters are ignored.
    package init(parsing bytes: [UInt8], mediaType declared: MediaType?) throws(OCIError) {
        let json: JSON
        do {
            json = try JSON.parse(bytes, refusingDuplicates: true)
        } catch {
            throw OCIError("manifest is \(error)")
        }
        guard let object = json.objectValue else { throw OCIError("manifest is not a JSON object") }
        if object["schemaVersion"] == .integer(1) {
            throw OCIError("image uses the obsolete Docker schema 1 format; re-push it with a current tool")
        }
        guard object["schemaVersion"] == .integer(2) else { throw OCIError("manifest has an unknown schemaVersion") }
        if object["manifests"] != nil, object["layers"] != nil || object["config"] != nil {
            throw OCIError("document is both an index and a manifest")
        }
        self.object = object
        self.mediaType = try Self.kind(of: object, declared: declared)
    }

    private static func kind(of object: JSONObject, declared: MediaType?) throws(OCIError) -> MediaType {
        let bare = declared.map { type in
            MediaType(rawValue: String(type.rawValue.prefix { $0 != ";" && $0 != " " }).lowercased())
        }
        let own = object["mediaType"]?.stringValue.map(MediaType.init(rawValue:))
        if let bare, bare.isManifest || bare.isIndex {
            if let own, own != bare { throw OCIError("media type confusion: declared \(bare), document says \(own)") }
            return bare
        }
        if let own { return own }
        if object["manifests"]?.arrayValue != nil { return .ociIndex }
        if object["layers"]?.arrayValue != nil, let type = object["config"]?["mediaType"]?.stringValue {
            return type.hasPrefix("application/vnd.oci.") ? .ociManifest : .dockerManifest
        }
        throw OCIError("unknown kind of manifest\(bare.map { " (\($0))" } ?? "")")
    }
}
