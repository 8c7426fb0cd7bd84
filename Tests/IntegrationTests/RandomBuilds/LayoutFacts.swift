import ImgOCI
import ImgTestKit

/// What programs that are not ours say about an OCI layout: sha256sum, gzip, zstd and GNU tar.
struct LayoutFacts {
    struct Layer {
        var diffID: String
        /// Lines of ``TarListing``.
        var listing: [String]
    }

    /// Digest by file name, for each blob.
    private(set) var digests: [String: String] = [:]
    private(set) var sizes: [String: Int64] = [:]
    private(set) var layers: [String: Layer] = [:]
    /// What went wrong, one text each.
    private(set) var problems: [String] = []

    /// Hashes each blob; inflates, hashes, lists and unpacks each that is no JSON.
    private static let script = #"""
        set -u
        export LC_ALL=C
        cd "$1/blobs/sha256" || exit 1
        out=$2
        mkdir "$out"
        sha256sum -- * | sed 's/^/digest /'
        stat -c 'size %n %s' -- *
        for blob in *; do
            set -- $(od -An -tx1 -N4 "$blob")
            case ${1-} in 7b) continue ;; esac
            case ${1-}${2-}${3-}${4-} in
            1f8b*) gzip -dc "$blob" >"$out/tar" ;;
            28b52ffd) zstd -qdc "$blob" >"$out/tar" ;;
            *) cp "$blob" "$out/tar" ;;
            esac || echo "$blob cannot be inflated" >&2
            echo "layer $blob $(sha256sum <"$out/tar")"
            tar --list --verbose --numeric-owner --full-time --quoting-style=c --file "$out/tar"
            mkdir "$out/$blob"
            tar --extract --same-permissions --file "$out/tar" --directory "$out/$blob"
        done
        chmod -R u+rwX "$out"
        """#

    init(of layout: String, in scratch: Scratch) async throws {
        let result = try await Program.run(
            "sh",
            ["-c", Self.script, "sh", layout, scratch["unpacked"]],
            in: scratch.path
        )
        if result.status != 0 || !result.errors.isEmpty { problems.append("reading the layout: \(result.errors)") }
        var current = ""
        for line in result.output.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            switch words[0] {
            case "digest" where words.count == 3: digests[words[2]] = words[1]
            case "size" where words.count == 3: sizes[words[1]] = Int64(words[2])
            case "layer" where words.count == 4:
                current = words[1]
                layers[current] = Layer(diffID: words[2], listing: [])
            default:
                if let entry = TarListing.withoutTime(line) {
                    layers[current]?.listing.append(entry)
                } else {
                    problems.append("a line of tar: \(line)")
                }
            }
        }
        for (name, digest) in digests where name != digest { problems.append("blob \(name) has the digest \(digest)") }
    }
}

/// The images of a layout, checked as they are read.
struct LayoutImages {
    struct Image {
        var architecture: String
        var config: JSON
        var layers: [LayoutFacts.Layer]
    }

    private(set) var images: [Image] = []
    private(set) var problems: [String]
    private let scratch: Scratch
    private let layout: String
    private let facts: LayoutFacts

    /// - Parameter layout: Relative to the scratch directory.
    init(of layout: String, in scratch: Scratch, facts: LayoutFacts) throws {
        self.layout = layout
        self.scratch = scratch
        self.facts = facts
        problems = facts.problems
        let index = try JSON.parse(Array(scratch.read(layout + "/index.json").utf8))
        for descriptor in index["manifests"]?.arrayValue ?? [] { try visit(descriptor) }
    }

    private mutating func visit(_ descriptor: JSON) throws {
        guard let document = try document(descriptor) else { return }
        if let children = document["manifests"]?.arrayValue {
            for child in children { try visit(child) }
            return
        }
        guard let config = try document["config"].flatMap({ try self.document($0) }) else {
            problems.append("a manifest without config")
            return
        }
        var layers: [LayoutFacts.Layer] = []
        for layer in document["layers"]?.arrayValue ?? [] {
            guard let name = check(layer), let facts = facts.layers[name] else {
                problems.append("a layer that isn't there: \(layer)")
                continue
            }
            layers.append(facts)
        }
        let diffIDs = config["rootfs"]?["diff_ids"]?.stringArray ?? []
        if diffIDs != layers.map({ "sha256:" + $0.diffID }) {
            problems.append("diff IDs \(diffIDs) are not those of the layers")
        }
        let history = config["history"]?.arrayValue ?? []
        if history.count(where: { $0["empty_layer"]?.boolValue != true }) != layers.count {
            problems.append("history doesn't fit the layers")
        }
        images.append(
            Image(
                architecture: config["architecture"]?.stringValue ?? "",
                config: config["config"] ?? .null,
                layers: layers
            )
        )
    }

    private mutating func document(_ descriptor: JSON) throws -> JSON? {
        guard let name = check(descriptor) else {
            problems.append("a blob that isn't there: \(descriptor)")
            return nil
        }
        return try JSON.parse(Array(scratch.read("\(layout)/blobs/sha256/\(name)").utf8))
    }

    /// The name of a blob whose size is as announced.
    private mutating func check(_ descriptor: JSON) -> String? {
        guard let digest = descriptor["digest"]?.stringValue, digest.hasPrefix("sha256:") else { return nil }
        let name = String(digest.dropFirst(7))
        guard let size = facts.sizes[name] else { return nil }
        if descriptor["size"]?.integerValue != size { problems.append("\(digest) has \(size) bytes: \(descriptor)") }
        return name
    }
}
