import ImgOCI
import ImgStream
import ImgTestKit

/// One entry of a test archive.
struct Item: Sendable {
    var header: TarHeader
    var content: [UInt8]

    init(_ header: TarHeader, _ content: [UInt8] = []) {
        self.header = header
        self.content = content
        if header.kind == .file { self.header.size = Int64(content.count) }
    }

    static func file(_ path: String, _ text: String = "") -> Item {
        var header = TarHeader(path: Array(path.utf8), kind: .file)
        header.mode = 0o644
        return Item(header, Array(text.utf8))
    }

    static func directory(_ path: String) -> Item {
        var header = TarHeader(path: Array(path.utf8), kind: .directory)
        header.mode = 0o755
        return Item(header)
    }

    static func link(_ kind: TarHeader.Kind, _ path: String, to target: String) -> Item {
        var header = TarHeader(path: Array(path.utf8), kind: kind)
        header.mode = 0o777
        header.linkTarget = Array(target.utf8)
        return Item(header)
    }

    func with(_ change: (inout TarHeader) -> Void) -> Item {
        var copy = self
        change(&copy.header)
        return copy
    }
}

enum Tar {
    /// The bytes of an archive as the product writes it.
    static func bytes(_ items: [Item]) throws -> [UInt8] {
        let sink = BytesSink()
        var writer = TarWriter(into: sink)
        for item in items {
            try writer.append(item.header)
            if item.header.kind == .file { try writer.write(item.content.span) }
        }
        try writer.finish()
        return sink.bytes
    }

    /// Headers and contents as the product reads them.
    static func items(_ source: any ByteSource, format: TarReader.Format = .plain) throws -> [Item] {
        let reader = try TarReader(source, format: format)
        var items: [Item] = []
        while let header = try reader.next() {
            var content: [UInt8] = []
            if header.kind == .file { content = try read(reader) }
            items.append(Item(header, content))
        }
        return items
    }

    static func read(_ reader: TarReader) throws -> [UInt8] {
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 5000)
        while true {
            let count = try unsafe chunk.withUnsafeMutableBytes { unsafe try reader.read(into: $0) }
            guard count > 0 else { return content }
            content += chunk[..<count]
        }
    }
}

/// Hands out a few bytes at a time, as a slow connection does.
final class TricklingSource: ByteSource {
    private var rest: ArraySlice<UInt8>
    private let step: Int

    init(_ bytes: [UInt8], step: Int) {
        rest = bytes[...]
        self.step = step
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(StreamError) -> Int {
        let part = rest.prefix(min(step, buffer.count))
        unsafe buffer.copyBytes(from: part)
        rest = rest.dropFirst(part.count)
        return part.count
    }
}

/// Passes over what is not wanted, as a file does.
final class SeekingSource: ByteSource {
    private var rest: ArraySlice<UInt8>
    /// Bytes that were read.
    private(set) var read = 0

    init(_ bytes: [UInt8]) {
        rest = bytes[...]
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(StreamError) -> Int {
        let part = rest.prefix(buffer.count)
        unsafe buffer.copyBytes(from: part)
        rest = rest.dropFirst(part.count)
        read += part.count
        return part.count
    }

    func skip(_ count: Int64) -> Int64 {
        let skipped = min(Int(count), rest.count)
        rest = rest.dropFirst(skipped)
        return Int64(skipped)
    }
}

extension ByteSource {
    /// Everything, pulled in pieces of `step` bytes.
    func all(step: Int = 4096) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let chunk = try readChunk(step)
            if chunk.isEmpty { return bytes }
            bytes += chunk
        }
    }
}

/// Bytes that look alike in every run: half of them compress, half do not.
func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var state = seed
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    while bytes.count < count {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let isText = (bytes.count >> 12) % 2 == 0
        bytes.append(isText ? UInt8(ascii: "a") + UInt8(state >> 61) : UInt8(truncatingIfNeeded: state >> 40))
    }
    return bytes
}

extension Scratch {
    /// Reads a file as bytes.
    func bytes(_ name: String) throws -> [UInt8] { try FileSource.open(self[name]).all(step: 1 << 20) }
}
