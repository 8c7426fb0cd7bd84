/// A text that diagnostics point into, with its lines found once.
public struct SourceFile: Sendable {
    private final class Storage: Sendable {
        let name: String
        let bytes: [UInt8]
        let lineStarts: [Int]

        init(name: String, bytes: [UInt8]) {
            self.name = name
            self.bytes = bytes
            var starts = [0]
            for (offset, byte) in bytes.enumerated() where byte == 0x0a { starts.append(offset + 1) }
            lineStarts = starts
        }
    }

    private let storage: Storage

    /// - Parameters:
    ///   - name: As the user gave it, for display.
    ///   - bytes: The whole text.
    public init(name: String, bytes: [UInt8]) {
        storage = Storage(name: name, bytes: bytes)
    }

    /// As the user gave it.
    public var name: String { storage.name }
    /// The whole text.
    public var bytes: [UInt8] { storage.bytes }

    /// Number of lines as BuildKit counts them for excerpts: a final newline starts one more, empty line (ERR-2).
    public var lineCount: Int { storage.lineStarts.count }

    /// The 1-based line that holds a byte offset.
    public func line(at offset: Int) -> Int {
        var low = 0
        var high = storage.lineStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if storage.lineStarts[middle] <= offset { low = middle } else { high = middle }
        }
        return low + 1
    }

    /// The offset at which a 1-based line starts.
    public func startOffset(ofLine line: Int) -> Int {
        storage.lineStarts[min(max(line, 1), storage.lineStarts.count) - 1]
    }

    /// The text of a 1-based line without its line end.
    public func text(ofLine line: Int) -> String {
        guard line >= 1, line <= lineCount else { return "" }
        var end = line < lineCount ? storage.lineStarts[line] - 1 : storage.bytes.count
        let start = storage.lineStarts[line - 1]
        while end > start, storage.bytes[end - 1] == 0x0d { end -= 1 }
        return String(decoding: storage.bytes[start..<end], as: UTF8.self)
    }
}

extension SourceFile: Hashable {
    /// Equal when name and text are.
    public static func == (left: SourceFile, right: SourceFile) -> Bool {
        left.storage === right.storage || (left.name == right.name && left.bytes == right.bytes)
    }

    /// Feeds the name; texts of one name are compared, not hashed.
    public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

/// A stretch of a source file in byte offsets, half open; lines and columns are derived when printed.
public struct SourceRange: Hashable, Sendable {
    /// The text that the offsets count in.
    public var file: SourceFile
    /// First byte.
    public var lowerBound: Int
    /// One past the last byte.
    public var upperBound: Int

    /// Makes a range; `upperBound` is raised to `lowerBound` when below it.
    public init(file: SourceFile, lowerBound: Int, upperBound: Int) {
        self.file = file
        self.lowerBound = lowerBound
        self.upperBound = max(lowerBound, upperBound)
    }

    /// Whole lines, 1-based and inclusive, without the last line's end.
    public init(file: SourceFile, lines: ClosedRange<Int>) {
        let lower = file.startOffset(ofLine: lines.lowerBound)
        let last =
            lines.upperBound < file.lineCount ? file.startOffset(ofLine: lines.upperBound + 1) - 1 : file.bytes.count
        self.init(file: file, lowerBound: lower, upperBound: last)
    }

    /// 1-based line of the first byte.
    public var startLine: Int { file.line(at: lowerBound) }
    /// 1-based line of the last byte.
    public var endLine: Int { file.line(at: max(lowerBound, upperBound - 1)) }
    /// 1-based column of the first byte, in bytes.
    public var startColumn: Int { lowerBound - file.startOffset(ofLine: startLine) + 1 }
}
