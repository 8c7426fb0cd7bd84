/// What is remembered of a file that can be started or loaded: enough to predict a start without its bytes.
package struct ExecutableFacts: Hashable, Sendable {
    /// What the file is.
    package var format: BinaryFormat
    /// Program interpreter (`PT_INTERP`).
    package var interpreter: String?
    /// Libraries by name (`DT_NEEDED`), in order.
    package var needed: [String] = []
    /// The name it is loaded under besides its file's (`DT_SONAME`).
    package var soname: String?
    /// `DT_RPATH`, used only without a run path.
    package var rpath: String?
    /// `DT_RUNPATH`.
    package var runpath: String?
    /// Newest `GLIBC_x.y` that is asked for.
    package var glibcNeeded: LibraryVersion?
    /// Newest `GLIBC_x.y` that is offered; only libc itself has one.
    package var glibcDefined: LibraryVersion?
    /// False when the dynamic section lay out of reach: then nothing is known about libraries.
    package var hasDynamicInfo = false
    /// Shared only by files that are the same program; nil for scripts.
    ///
    /// Of the size and the first bytes, where linkers put what identifies a build.
    package var fingerprint: String?

    package init(format: BinaryFormat) {
        self.format = format
    }
}

/// `2.36`.
package struct LibraryVersion: Hashable, Sendable, Comparable, CustomStringConvertible {
    package var major: Int
    package var minor: Int

    /// Reads `GLIBC_2.36` or `GLIBC_2.2.5`; nil for `GLIBC_PRIVATE` and other names.
    package init?(symbolVersion text: String) {
        // Packed relocations: the first loader that knows them says so with a version of this name.
        if text == "GLIBC_ABI_DT_RELR" {
            self.init("2.36")
            return
        }
        guard text.hasPrefix("GLIBC_") else { return nil }
        self.init(text.dropFirst("GLIBC_".count))
    }

    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".").map { Int($0) }
        guard parts.count >= 2, let major = parts[0], let minor = parts[1] else { return nil }
        self.major = major
        self.minor = minor
    }

    package var description: String { "\(major).\(minor)" }

    package static func < (left: LibraryVersion, right: LibraryVersion) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }
}
