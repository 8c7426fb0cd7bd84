import ImgChecks
import ImgOCI
import ImgStream
import ImgTree

/// Remembers of executables and of the loader's configuration what the static checks need.
struct ExecutableInspector: FileInspector {
    func inspect(
        _ header: TarHeader,
        content: (Int) throws(StreamError) -> [UInt8]
    ) throws(StreamError) -> [UInt8]? {
        if Self.wantsText(header) {
            var text: [UInt8] = []
            while true {
                let chunk = try content(64 << 10)
                if chunk.isEmpty { return CheckedTexts.kept(text, of: String(decoding: header.path, as: UTF8.self)) }
                text += chunk
            }
        }
        var inspection = ExecutableInspection()
        // Most files are dismissed by their first bytes.
        var request = 64
        while true {
            let chunk = try content(request)
            let wantsMore = unsafe chunk.withUnsafeBytes { unsafe inspection.feed($0) }
            guard wantsMore, !chunk.isEmpty else { break }
            request = 256 << 10
        }
        guard var facts = inspection.finish() else { return nil }
        if case .script = facts.format { return facts.encoded }
        facts.fingerprint = Self.fingerprint(inspection.sample, size: header.size)
        return facts.encoded
    }

    /// Whether the file's text is kept.
    static func wantsText(_ header: TarHeader) -> Bool {
        header.path.starts(with: "etc/".utf8) && header.size <= CheckedTexts.limit
            && CheckedTexts.isWanted(String(decoding: header.path, as: UTF8.self))
    }

    private static func fingerprint(_ sample: ArraySlice<UInt8>, size: Int64) -> String {
        "\(size)-\(SHA256.digest(of: Array(sample)).hex.prefix(32))"
    }
}
