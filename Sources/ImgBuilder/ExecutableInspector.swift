import ImgChecks
import ImgStream
import ImgTree

/// Remembers of executables and of the loader's configuration what the static checks need.
struct ExecutableInspector: FileInspector {
    /// The loader's configuration files are small; larger ones are none.
    private static let textLimit = 64 << 10

    func inspect(
        _ header: TarHeader,
        content: (Int) throws(StreamError) -> [UInt8]
    ) throws(StreamError) -> [UInt8]? {
        if header.size <= Self.textLimit, CheckedTexts.isWanted(String(decoding: header.path, as: UTF8.self)) {
            var text: [UInt8] = []
            while true {
                let chunk = try content(Self.textLimit)
                if chunk.isEmpty { return text }
                text += chunk
            }
        }
        var inspection = ExecutableInspection()
        var request = 4096
        while true {
            let chunk = try content(request)
            let wantsMore = unsafe chunk.withUnsafeBytes { unsafe inspection.feed($0) }
            guard wantsMore, !chunk.isEmpty else { break }
            request = 256 << 10
        }
        return inspection.finish()?.encoded
    }
}
