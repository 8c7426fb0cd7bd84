/// Whether ADD unpacks a file.
package enum ArchiveProbe {
    /// True when the decompressed stream begins with a valid tar header (ARC-2).
    ///
    /// Empty and all-zero files, tars without entries and compressed files of another kind are none (ARC-3).
    package static func isArchive(_ source: any ByteSource) -> Bool {
        guard let reader = try? TarReader(source, format: .anyCompression) else { return false }
        return (try? reader.next()) != nil
    }
}
