package import ImgOCI

/// A finished result: an index or a single manifest, and everything it reaches, with where the bytes are.
package struct ImageGraph: Sendable {
    /// One image or artifact of the graph.
    package struct Image: Sendable {
        /// What it runs on; nil for artifacts.
        package var platform: Platform?
        package var manifest: Content
        package var config: Blob
        package var layers: [Blob]

        package init(platform: Platform?, manifest: Content, config: Blob, layers: [Blob]) {
            self.platform = platform
            self.manifest = manifest
            self.config = config
            self.layers = layers
        }
    }

    /// A small document that is held in memory.
    package struct Content: Sendable {
        package var descriptor: Descriptor
        package var bytes: [UInt8]

        package init(descriptor: Descriptor, bytes: [UInt8]) {
            self.descriptor = descriptor
            self.bytes = bytes
        }
    }

    /// In the order of the index.
    package var images: [Image]
    /// Nil when the result is one plain manifest.
    package var index: Content?

    package init(images: [Image], index: Content?) {
        self.images = images
        self.index = index
    }

    /// What a tag is to point to.
    package var root: Content? { index ?? images.first?.manifest }

    /// Manifests and index, in the order in which a registry takes them.
    var documents: [Content] { images.map(\.manifest) + (index.map { [$0] } ?? []) }

    /// Every blob once, layers before configs.
    package var blobs: [Blob] {
        var seen: Set<Digest> = []
        return (images.flatMap(\.layers) + images.map(\.config)).filter { seen.insert($0.descriptor.digest).inserted }
    }
}

/// A blob and where its bytes can be had.
package struct Blob: Sendable {
    package var descriptor: Descriptor
    package var origin: BlobOrigin

    package init(descriptor: Descriptor, origin: BlobOrigin) {
        self.descriptor = descriptor
        self.origin = origin
    }
}

/// Where the bytes of a blob can be had; they are verified when they are read.
package enum BlobOrigin: Sendable {
    case bytes([UInt8])
    /// A file whose content was verified when it came into being.
    case file(path: String)
    /// An image that is read from somewhere.
    case source(any ImageSource)
}
