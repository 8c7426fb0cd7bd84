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
        case .spool(let file, let offset, let size): SpoolSource(file, offset: offset, size: size)
        case .layerEntry: nil
        }
    }
}

/// A stretch of a spool file.
final class SpoolSource: ByteSource {
    private let file: SpoolFile
    private var position: Int64
    private let end: Int64

    init(_ file: SpoolFile, offset: Int64, size: Int64) {
        self.file = file
        position = offset
        end = offset + size
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(StreamError) -> Int {
        let count = Int(min(Int64(buffer.count), end - position))
        guard count > 0 else { return 0 }
        let read = unsafe try file.read(at: position, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]))
        position += Int64(read)
        return read
    }
}
