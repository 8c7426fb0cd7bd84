/// What a manifest or index says about a blob: type, digest, size.
///
/// - SeeAlso: <https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md>
public struct Descriptor: Hashable, Sendable {
    /// Type of the content.
    public var mediaType: MediaType
    /// Digest of the exact bytes.
    public var digest: Digest
    /// Number of bytes.
    public var size: Int64
    /// Other places of the content (PULL-21).
    public var urls: [String]
    /// Free text by key.
    public var annotations: [String: String]
    /// The content itself, when it was small enough to travel along.
    public var data: [UInt8]?
    /// The platform of an image, in an index.
    public var platform: Platform?
    /// The kind of an artifact, in an index.
    public var artifactType: String?

    /// Makes a descriptor of known content.
    public init(
        mediaType: MediaType,
        digest: Digest,
        size: Int64,
        urls: [String] = [],
        annotations: [String: String] = [:],
        data: [UInt8]? = nil,
        platform: Platform? = nil,
        artifactType: String? = nil
    ) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        self.urls = urls
        self.annotations = annotations
        self.data = data
        self.platform = platform
        self.artifactType = artifactType
    }
}

/// A document that contradicts its specification.
public struct OCIError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong with which document.
    public let description: String

    package init(_ description: String) {
        self.description = description
    }
}

extension Descriptor {
    /// 8 TiB: more than any registry takes, and a thousand manifests of a thousand entries (SEC-14) can be added up.
    private static let sizeLimit: Int64 = 1 << 43

    /// Reads a descriptor; `place` names it in errors ("config", "layers[2]").
    package init(json: JSON?, at place: String) throws(OCIError) {
        guard let object = json?.objectValue else { throw OCIError("\(place) is not an object") }
        guard let type = object["mediaType"]?.stringValue else { throw OCIError("\(place) has no mediaType") }
        guard let text = object["digest"]?.stringValue else { throw OCIError("\(place) has no digest") }
        guard let size = object["size"]?.integerValue, (0...Self.sizeLimit).contains(size) else {
            throw OCIError("\(place) has no valid size")
        }
        do {
            digest = try Digest(parsing: text)
        } catch {
            throw OCIError("\(place): \(error)")
        }
        self.mediaType = MediaType(rawValue: type)
        self.size = size
        self.urls = object["urls"]?.stringArray ?? []
        self.annotations = [String: String](json: object["annotations"])
        self.data = object["data"]?.stringValue.flatMap(Base64.decode)
        self.platform = object["platform"].flatMap(Platform.init(json:))
        self.artifactType = object["artifactType"]?.stringValue
    }

    /// Member order of MT-6; what is empty is left out.
    package var json: JSON {
        var object = JSONObject()
        object["mediaType"] = .string(mediaType.rawValue)
        object["digest"] = .string(digest.description)
        object["size"] = .integer(size)
        if !urls.isEmpty { object["urls"] = .strings(urls) }
        if !annotations.isEmpty { object["annotations"] = .sortedObject(annotations) }
        object["data"] = data.map { .string(Base64.encode($0)) }
        object["platform"] = platform?.json
        object["artifactType"] = artifactType.map(JSON.string)
        return .object(object)
    }
}

extension [String: String] {
    init(json: JSON?) {
        self.init()
        for member in json?.objectValue?.members ?? [] { self[member.key] = member.value.stringValue }
    }
}
