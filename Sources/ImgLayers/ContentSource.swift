package import ImgStream

extension ContentRef {
    /// Opens content that is at hand without a layer; blocks.
    ///
    /// - Returns: nil for ``layerEntry(layer:ordinal:size:)``.
    package func openLocal() throws(StreamError) -> (any ByteSource)? {
        switch self {
        case .file(let path, _, let identity):
            try FileSource.open(
                path.absolute,
                device: identity.device,
                inode: identity.inode,
                changed: identity.changed
            )
        case .bytes(let bytes): BytesSource(bytes)
        case .spool(let file, let offset, let size): file.part(.init(offset: offset, size: size)).source
        case .layerEntry: nil
        }
    }
}
