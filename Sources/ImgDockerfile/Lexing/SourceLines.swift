import ImgReport

/// The physical lines of a Dockerfile, one after the other (LEX-3, LEX-4).
struct SourceLines {
    /// One physical line in byte offsets.
    struct Line {
        /// 1-based.
        var number: Int
        var start: Int
        /// Behind the text, before `CR` and `LF`.
        var end: Int
        /// Behind the line's end.
        var next: Int

        var text: Range<Int> { start..<end }
    }

    private static let maximumLength = 65_535

    let file: SourceFile
    private var offset: Int
    /// Lines read so far.
    private(set) var number = 0

    init(_ file: SourceFile) {
        self.file = file
        offset = file.bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
    }

    /// The next line; nil behind the last one.
    mutating func next() throws(LexingError) -> Line? {
        guard offset < file.bytes.count else { return nil }
        let start = offset
        let newline = file.bytes[start...].firstIndex(of: 0x0a)
        offset = newline.map { $0 + 1 } ?? file.bytes.count
        number += 1
        var end = offset
        while end > start, file.bytes[end - 1] == 0x0a || file.bytes[end - 1] == 0x0d { end -= 1 }
        guard end - start <= Self.maximumLength else {
            throw LexingError(message: "dockerfile line greater than max allowed size of \(Self.maximumLength)")
        }
        return Line(number: number, start: start, end: end, next: offset)
    }

    /// Whether the first character that is no uspace is `#` (LEX-6).
    func isComment(_ line: Line) -> Bool {
        TextBytes.trimmedStart(file.bytes[line.text]).first == UInt8(ascii: "#")
    }
}
