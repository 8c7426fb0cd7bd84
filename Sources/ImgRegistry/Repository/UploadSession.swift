import ImgHTTP
import ImgOCI

/// One upload session of a registry: where it is now and how much it has.
struct UploadSession: Sendable {
    /// Absolute; each reply may move it (PUSH-15).
    var url: String
    /// From `OCI-Chunk-Min-Length`.
    var minimumChunk: Int64 = 0

    /// The closing URL: `digest` is added to what the server sent, byte for byte (PUSH-16).
    static func closing(_ url: String, _ digest: Digest) -> String {
        let encoded = PercentEncoding.encode(digest.description)
        guard url.contains("?") else { return "\(url)?digest=\(encoded)" }
        return url.hasSuffix("?") || url.hasSuffix("&") ? "\(url)digest=\(encoded)" : "\(url)&digest=\(encoded)"
    }

    /// The next offset from a `Range: 0-<last>` header; nil when it says nothing certain (PUSH-18).
    static func offset(fromRange text: String) -> Int64? {
        let bare = text.hasPrefix("bytes=") ? String(text.dropFirst(6)) : text
        guard bare.hasPrefix("0-") else { return nil }
        let last = bare.dropFirst(2)
        if last == "-1" { return 0 }
        guard let value = Int64(last), value >= 0 else { return nil }
        return value == 0 ? 0 : value + 1
    }
}
