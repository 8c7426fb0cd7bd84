import ImgReport

/// An instruction's text with continuations joined, and where each byte of it came from (LEX-9…LEX-11).
struct LogicalLine {
    private struct Piece {
        var start: Int
        var source: Int
    }

    let file: SourceFile
    private(set) var bytes: [UInt8] = []
    private var pieces: [Piece] = []

    init(file: SourceFile) {
        self.file = file
    }

    /// Appends a stretch of the file.
    mutating func append(_ source: Range<Int>) {
        guard !source.isEmpty else { return }
        pieces.append(Piece(start: bytes.count, source: source.lowerBound))
        bytes.append(contentsOf: file.bytes[source])
    }

    /// The offset in the file of the byte at an offset in this line.
    private func sourceOffset(_ offset: Int) -> Int {
        var low = 0
        var high = pieces.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if pieces[middle].start <= offset { low = middle } else { high = middle }
        }
        guard low < pieces.count else { return 0 }
        return pieces[low].source + offset - pieces[low].start
    }

    /// Where a stretch of this line stands in the file.
    func range(_ stretch: Range<Int>) -> SourceRange {
        let lower = sourceOffset(stretch.lowerBound)
        let upper = stretch.isEmpty ? lower : sourceOffset(stretch.upperBound - 1) + 1
        return SourceRange(file: file, lowerBound: lower, upperBound: upper)
    }
}

/// A piece of a logical line after quotes or escapes were looked at, with the stretch it came from.
struct Word: Hashable {
    var bytes: [UInt8]
    var stretch: Range<Int>

    var text: String { TextBytes.text(bytes) }
}

/// An instruction between the two phases of parsing: split into words, not yet validated (LEX-18).
struct RawInstruction {
    /// The operands, by the instruction's argument lexer (§4).
    indirect enum Arguments {
        case none
        case words([Word])
        case keyValues([(key: Word, value: Word)], legacy: Bool)
        case json([String], stretch: Range<Int>)
        case text(Word)
        case healthcheck(type: Word, command: Arguments)
        /// The keyword that follows ONBUILD.
        case trigger(keyword: Word, canHoldHeredocs: Bool)
    }

    var line: LogicalLine
    var range: SourceRange
    var comments: [String]
    var hasEmptyContinuation: Bool
    var keyword: Word
    var flags: [Word]
    var arguments: Arguments
    var heredocs: [RawHeredoc] = []
}

/// A heredoc with its body as it stands in the file, leading tabs included.
struct RawHeredoc {
    var marker: HeredocMarker
    var content: [UInt8]

    /// The body that counts: with `<<-` every line loses its leading tabs (HD-7).
    var body: String {
        guard marker.trimsTabs else { return TextBytes.text(content) }
        var body: [UInt8] = []
        var isAtStart = true
        for byte in content {
            if isAtStart, byte == 0x09 { continue }
            isAtStart = byte == 0x0a
            body.append(byte)
        }
        return TextBytes.text(body)
    }
}

/// An error of the first phase: nothing after it is read.
struct LexingError: Error {
    var message: String
    /// In the logical line; nil for the whole instruction.
    var stretch: Range<Int>?
    /// In the file, once known.
    var range: SourceRange?
    var note: String?
    var hint: String?
}
