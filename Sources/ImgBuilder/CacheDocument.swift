import ImgLayers
import ImgOCI

/// What a shared cache says about itself: an artifact whose first blob is this document and whose other blobs are what
/// it speaks of, so that no registry takes them for garbage.
struct CacheDocument: Sendable {
    /// `artifactType` of the manifest; raised when older programs could not read the document.
    static let artifactType = "application/vnd.imgbuild.cache.v1"
    static let mediaType = MediaType(rawValue: "application/vnd.imgbuild.cache.document.v1+json")
    /// A path index of a base layer, as ``BaseLayers`` keeps it.
    static let treeType = MediaType(rawValue: "application/vnd.imgbuild.cache.\(BaseLayers.namespace)")
    /// Bytes of a document that are read.
    static let limit = 64 << 20

    var layers: [LayerCatalog.Entry] = []
    /// Blobs of path indexes by base layer.
    var trees: [Digest: Descriptor] = [:]

    init() {}

    /// - Returns: Nil when it is no such document; entries that are not understood are left out.
    init?(decoding bytes: [UInt8]) {
        guard let json = try? JSON.parse(bytes), let entries = json["layers"]?.arrayValue else { return nil }
        layers = entries.compactMap(LayerCatalog.Entry.init(json:))
        for tree in json["trees"]?.arrayValue ?? [] {
            guard let text = tree["layer"]?.stringValue, let layer = try? Digest(parsing: text),
                let blob = try? Descriptor(json: tree["blob"], at: "trees")
            else { continue }
            trees[layer] = blob
        }
    }

    var encoded: [UInt8] {
        let trees = trees.sorted { $0.key.description < $1.key.description }
        return
            JSON.object(
                JSONObject([
                    ("layers", .array(layers.map(\.json))),
                    (
                        "trees",
                        .array(
                            trees.map { layer, blob in
                                .object(JSONObject([("layer", .string(layer.description)), ("blob", blob.json)]))
                            }
                        )
                    ),
                ])
            )
            .encoded()
    }
}
