import Glibc
import ImgDockerfile
import ImgLayers
import ImgOCI
import ImgPlan
import ImgReport
import ImgStream
import ImgTasks
import ImgTree

/// A context, a base and instructions; says what the last instruction's layer holds.
struct Scenario {
    var context: [String] = []
    var files: [String: [UInt8]] = [:]
    var ignore: String?
    /// Layers of the base from the bottom, in the language of ``baseHeader(_:)``.
    var base: [[String]] = []
    /// What `--from=other` means.
    var other: [[String]] = []
    var times = CopyResolver.Times()

    static let pool = BlockingPool(threads: 2)

    /// Runs all instructions; the lines of the last one's layer.
    func lines(_ instructions: String...) async throws -> [String] {
        try await spec(instructions).entries.map(\.line)
    }

    func spec(_ instructions: [String], fetched: [Int: FetchedSource] = [:]) async throws -> LayerSpec {
        let fixture = try ContextFixture(context, files: files)
        return try await spec(instructions, in: fixture, fetched: fetched)
    }

    func spec(
        _ instructions: [String],
        in fixture: ContextFixture,
        fetched: [Int: FetchedSource] = [:]
    ) async throws -> LayerSpec {
        let patterns = try ignore.map {
            try IgnorePatterns(parsing: Array($0.utf8), file: SourceFile(name: ".dockerignore", bytes: Array($0.utf8)))
        }
        let tree = try await ContextTree.open(fixture.path, ignoring: patterns, pool: Self.pool)
        let resolver = CopyResolver(pool: Self.pool, layers: NoLayers(), spoolDirectory: "/tmp", times: times)
        var stage = try Self.stage(base)
        var last = LayerSpec()
        var script = StepScript(instructions)
        while let step = try script.next() {
            switch step.action {
            case .metadata: continue
            case .copy(let copy):
                let source: any SourceTree = if case .context = copy.from { tree } else { try Self.stage(other) }
                last = try await resolver.resolve(copy, at: step.range, source: source, fetched: fetched, into: stage)
            case .workdir(let workdir):
                last = try await resolver.resolve(workdir, at: step.range, into: stage)
            }
            stage = try stage.appending(last)
        }
        // The contents outlive the fixture only as bytes.
        for position in last.entries.indices {
            guard let content = last.entries[position].content else { continue }
            last.entries[position].content = .bytes(try content.allBytes())
        }
        return last
    }

    static func stage(_ layers: [[String]]) throws -> StageTree {
        var stage = StageTree()
        for layer in layers {
            stage = try stage.appending(LayerSpec(entries: layer.map(baseEntry)))
        }
        return stage
    }

    /// `d 1777 0:0 tmp`, `f 644 5:6 a/b content`, `l bin -> usr/bin`, `h b -> a`; mode and owner may be left out.
    static func baseEntry(_ text: String) -> LayerEntry {
        var words = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        let kinds: [String: TarHeader.Kind] = ["d": .directory, "f": .file, "l": .symlink, "h": .hardlink, "p": .fifo]
        let kind = kinds[words.removeFirst()] ?? .file
        var mode: UInt16 = kind == .directory ? 0o755 : 0o644
        if words.count > 1, let number = UInt16(words[0], radix: 8), words[1] != "->" {
            mode = number
            words.removeFirst()
        }
        var owner: [UInt32] = [0, 0]
        if words.count > 1, words[0].contains(":") {
            owner = words.removeFirst().split(separator: ":").compactMap { UInt32($0) }
        }
        var header = TarHeader(path: Array(words.removeFirst().utf8), kind: kind)
        header.mode = mode
        header.uid = owner[0]
        header.gid = owner[1]
        header.mtime = Timestamp(seconds: 500_000_000)
        if words.first == "->" {
            header.linkTarget = Array(words[1].utf8)
            return LayerEntry(header: header)
        }
        let content = Array(words.joined(separator: " ").replacing("\\n", with: "\n").utf8)
        header.size = Int64(content.count)
        return LayerEntry(header: header, content: kind == .file ? .bytes(content) : nil)
    }
}

/// Bases of these tests have all content at hand.
struct NoLayers: LayerContentReader {
    func read(layer: Digest, ordinal: Int, limit: Int) async throws(BuildError) -> [UInt8] {
        throw BuildError(.failure, "no layer \(layer)")
    }
}

extension String {
    fileprivate func replacing(_ needle: String, with other: String) -> String {
        var result = ""
        var rest = self[...]
        while !rest.isEmpty {
            if rest.hasPrefix(needle) {
                result += other
                rest = rest.dropFirst(needle.count)
            } else {
                result.append(rest.removeFirst())
            }
        }
        return result
    }
}

extension LayerEntry {
    /// `d 755 0:0 a/`, `f 644 0:0 a/b = content`, `l 0:0 bin -> usr/bin`, `h b -> a`, `p 600 0:0 fifo`.
    var line: String {
        let path = String(decoding: header.path, as: UTF8.self)
        let target = String(decoding: header.linkTarget, as: UTF8.self)
        let owner = "\(header.uid):\(header.gid)"
        let mode = String(header.mode, radix: 8)
        switch header.kind {
        case .directory: return "d \(mode) \(owner) \(path)/"
        case .symlink: return "l \(owner) \(path) -> \(target)"
        case .hardlink: return "h \(path) -> \(target)"
        case .fifo: return "p \(mode) \(owner) \(path)"
        default:
            let bytes = (try? content?.allBytes()) ?? []
            return "f \(mode) \(owner) \(path)" + (bytes.isEmpty ? "" : " = \(String(decoding: bytes, as: UTF8.self))")
        }
    }

    var seconds: Int64 { header.mtime.seconds }
}

extension ContentRef {
    struct Unreadable: Error {}

    func allBytes() throws -> [UInt8] {
        switch self {
        case .bytes(let bytes): return bytes
        case .layerEntry: throw Unreadable()
        case .spool(let file, let offset, let size): return try file.bytes(at: offset, count: Int(size))
        case .file(let place, let size, _):
            let path = place.absolute
            let descriptor = unsafe open(String(decoding: path, as: UTF8.self), O_RDONLY)
            guard descriptor >= 0 else { throw Unreadable() }
            defer { _ = close(descriptor) }
            var bytes = [UInt8](repeating: 0, count: Int(size))
            let count = unsafe bytes.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            return Array(bytes[..<max(0, count)])
        }
    }
}
