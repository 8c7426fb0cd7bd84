import ImgChecks
import ImgStream
import ImgTree

/// Remembers of copied files what ``ExecutableInspector`` does, and which of them hold a secret.
struct CopyInspector: FileInspector {
    private let executables = ExecutableInspector()

    func inspect(
        _ header: TarHeader,
        content: (Int) throws(StreamError) -> [UInt8]
    ) throws(StreamError) -> [UInt8]? {
        if ExecutableInspector.wantsText(header) { return try executables.inspect(header, content: content) }
        var seen = try content(SecretSearch.headLength)
        if let search = SecretSearch(path: header.path, head: seen) {
            while seen.count < SecretSearch.limit {
                let chunk = try content(SecretSearch.limit - seen.count)
                if chunk.isEmpty { break }
                seen += chunk
            }
            if let secret = search.find(in: seen) { return secret.encoded }
        }
        // What was read is shown to the other one before what was not.
        return try executables.inspect(header) { maximum throws(StreamError) in
            if seen.isEmpty { return try content(maximum) }
            let chunk = seen.count <= maximum ? seen : Array(seen.prefix(maximum))
            seen.removeFirst(chunk.count)
            return chunk
        }
    }
}
