import ImgOCI
import ImgStream
import ImgTree

/// A header in short: `d etc`, `f etc/passwd`, `l bin -> usr/bin`, `h b -> a`, each with an optional mode before the path.
func header(_ text: String) -> TarHeader {
    var words = text.split(separator: " ").map(String.init)
    let kinds: [String: TarHeader.Kind] = ["d": .directory, "f": .file, "l": .symlink, "h": .hardlink, "p": .fifo]
    let kind = kinds[words.removeFirst()] ?? .file
    var mode: UInt16 = kind == .directory ? 0o755 : 0o644
    if words.count > 1, let number = UInt16(words[0], radix: 8), words[1] != "->" {
        mode = number
        words.removeFirst()
    }
    var header = TarHeader(path: Array(words[0].utf8), kind: kind)
    header.mode = mode
    if words.count == 3 { header.linkTarget = Array(words[2].utf8) }
    return header
}

func layer(_ entries: String...) throws -> LayerIndex {
    try layer(entries.map(header))
}

func layer(_ headers: [TarHeader]) throws -> LayerIndex {
    var builder = LayerIndex.Builder()
    for header in headers { try builder.append(header) }
    return try builder.finish()
}

func tree(_ layers: LayerIndex...) -> FileTree {
    FileTree(layers: layers.map { LayerProvider(index: $0) })
}

func paths(_ entries: [Entry]) -> [String] {
    entries.map { String(decoding: $0.path, as: UTF8.self) }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
