package import ImgOCI
package import ImgReport
package import ImgStream

/// One entry of a layer that is to be built.
package struct LayerEntry: Sendable {
    package var header: TarHeader
    /// The bytes of a regular file; nil for everything else.
    package var content: ContentRef?
    /// Which of the instruction's sources it comes from, counted from 0; nil for what was invented.
    package var source: Int?

    package init(header: TarHeader, content: ContentRef? = nil, source: Int? = nil) {
        self.header = header
        self.content = content
        self.source = source
    }
}

/// Everything that determines a layer's bytes: its entries in the order of LAY-2.
package struct LayerSpec: Sendable {
    package var entries: [LayerEntry]
    /// The latest time of what was copied, before any clamping; nil when nothing was.
    package var newestSourceTime: Timestamp?
    /// Findings that do not stop the build, located at the instruction.
    package var warnings: [Diagnostic]

    package init(entries: [LayerEntry] = [], newestSourceTime: Timestamp? = nil, warnings: [Diagnostic] = []) {
        self.entries = entries
        self.newestSourceTime = newestSourceTime
        self.warnings = warnings
    }

    /// Bytes of all files.
    package var contentSize: Int64 { entries.reduce(0) { $0 &+ ($1.content == nil ? 0 : $1.header.size) } }
}
