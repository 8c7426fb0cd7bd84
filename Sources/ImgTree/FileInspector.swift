package import ImgStream

/// Looks into regular files while a layer passes by, so that later checks need not fetch it again.
package protocol FileInspector: Sendable {
    /// Says what is worth remembering of one file.
    ///
    /// - Parameters:
    ///   - header: Path and metadata.
    ///   - content: Gives at most so many bytes of the content, in order, and nothing at its end; what is not read is
    ///     skipped.
    /// - Returns: Bytes that are kept with the entry as its `note`, or nil.
    func inspect(
        _ header: TarHeader,
        content: (_ maximum: Int) throws(StreamError) -> [UInt8]
    ) throws(StreamError) -> [UInt8]?
}
