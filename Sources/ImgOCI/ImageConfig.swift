/// The configuration of an image: platform, how to run it, its history and the diff IDs of its layers.
///
/// Members that are not known here survive a round trip in ``extra``.
/// - SeeAlso: <https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md>
public struct ImageConfig: Hashable, Sendable {
    /// RFC 3339.
    public var created: String?
    /// Who made it.
    public var author: String?
    /// Operating system and processor.
    public var platform: Platform
    /// How to run it.
    public var config: ContainerConfig
    /// Digests of the uncompressed layers, bottom first.
    public var diffIDs: [Digest]
    /// One entry per instruction, bottom first.
    public var history: [HistoryEntry]
    /// Unknown members in their order.
    public var extra: JSONObject

    /// Makes a configuration without layers.
    public init(platform: Platform, config: ContainerConfig = ContainerConfig()) {
        self.platform = platform
        self.config = config
        self.diffIDs = []
        self.history = []
        self.extra = JSONObject()
    }

    /// Parses a configuration blob.
    public init(parsing bytes: [UInt8]) throws(OCIError) {
        let json: JSON
        do {
            json = try JSON.parse(bytes)
        } catch {
            throw OCIError("image config is \(error)")
        }
        guard var object = json.objectValue else { throw OCIError("image config is not a JSON object") }
        created = object.take("created")?.stringValue
        author = object.take("author")?.stringValue
        platform =
            Platform(json: .object(object)) ?? Platform(os: "", architecture: "")
        for key in ["architecture", "os", "os.version", "os.features", "variant"] { object[key] = nil }
        config = ContainerConfig(json: object.take("config"))
        let rootfs = object.take("rootfs")
        diffIDs = []
        for (index, element) in (rootfs?["diff_ids"]?.arrayValue ?? []).enumerated() {
            do {
                diffIDs.append(try Digest(parsing: element.stringValue ?? ""))
            } catch {
                throw OCIError("image config: rootfs.diff_ids[\(index)]: \(error)")
            }
        }
        history = (object.take("history")?.arrayValue ?? []).map(HistoryEntry.init(json:))
        extra = object
    }

    /// The bytes to store and push; member order of MT-15, unknown members last.
    public func encoded() -> [UInt8] {
        var object = JSONObject()
        object["created"] = created.map(JSON.string)
        object["author"] = author.map(JSON.string)
        for member in platform.json.objectValue?.members ?? [] { object[member.key] = member.value }
        object["config"] = config.json
        object["rootfs"] = .object(
            JSONObject([("type", .string("layers")), ("diff_ids", .strings(diffIDs.map(\.description)))])
        )
        object["history"] = .array(history.map(\.json))
        object.append(newOf: extra)
        return JSON.object(object).encoded()
    }
}

/// One line of an image's history.
public struct HistoryEntry: Hashable, Sendable {
    /// RFC 3339.
    public var created: String?
    /// The instruction.
    public var createdBy: String?
    /// Who made it.
    public var author: String?
    /// Free text.
    public var comment: String?
    /// No layer belongs to this entry.
    public var emptyLayer: Bool

    /// Makes an entry.
    public init(
        created: String? = nil,
        createdBy: String? = nil,
        author: String? = nil,
        comment: String? = nil,
        emptyLayer: Bool = false
    ) {
        self.created = created
        self.createdBy = createdBy
        self.author = author
        self.comment = comment
        self.emptyLayer = emptyLayer
    }

    init(json: JSON) {
        created = json["created"]?.stringValue
        createdBy = json["created_by"]?.stringValue
        author = json["author"]?.stringValue
        comment = json["comment"]?.stringValue
        emptyLayer = json["empty_layer"]?.boolValue ?? false
    }

    var json: JSON {
        var object = JSONObject()
        object["created"] = created.map(JSON.string)
        object["created_by"] = createdBy.map(JSON.string)
        object["author"] = author.map(JSON.string)
        object["comment"] = comment.map(JSON.string)
        if emptyLayer { object["empty_layer"] = .bool(true) }
        return .object(object)
    }
}
