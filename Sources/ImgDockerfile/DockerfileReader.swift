import ImgReport

/// The first phase: lines to lexed instructions (LEX-1…LEX-18, HD-6, HD-7).
struct DockerfileReader {
    /// Bytes of a physical line (LEX-4).
    private static let maxLineLength = 65535

    private let file: SourceFile
    /// Physical lines, ends included.
    private var lines: [ArraySlice<UInt8>]
    private var position = 0
    private var escape: UInt8
    private var comments: [String] = []

    private(set) var directives: Directives
    private(set) var instructions: [LexedInstruction] = []
    private(set) var diagnostics: [Diagnostic] = []

    /// Reads a whole file.
    init(_ file: SourceFile) {
        self.file = file
        lines = Self.lines(of: file.bytes)
        if let first = lines.first, first.starts(with: [0xef, 0xbb, 0xbf]) { lines[0] = first.dropFirst(3) }
        var excess: Diagnostic?
        if let long = lines.firstIndex(where: { Self.withoutLineFeed($0).count > Self.maxLineLength }) {
            let range = SourceRange(file: file, lines: long + 1...long + 1)
            let message = "dockerfile line greater than max allowed size of \(Self.maxLineLength)"
            excess = Diagnostic(.error, message, at: range)
            lines.removeSubrange(long...)
        }
        let head = ParserDirectives(file, lines: lines)
        directives = head.directives
        escape = head.directives.escape
        diagnostics = head.diagnostics
        position = head.lineCount
        if file.bytes.isEmpty {
            diagnostics.append(Diagnostic(.error, "the Dockerfile cannot be empty"))
            return
        }
        while position < lines.count { readInstruction() }
        if let excess {
            diagnostics.append(excess)
        } else if instructions.isEmpty, !diagnostics.contains(where: { $0.severity == .error }) {
            diagnostics.append(Diagnostic(.error, "file with no instructions", at: range(lines.count...lines.count)))
        }
    }

    private static func lines(of bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: 0x0a).map { $0 + 1 } ?? bytes.count
            lines.append(bytes[start..<end])
            start = end
        }
        return lines
    }

    private static func withoutLineFeed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        line.last == 0x0a ? line.dropLast() : line
    }

    private static func withoutLineEnd(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var rest = line
        while rest.last == 0x0a || rest.last == 0x0d { rest = rest.dropLast() }
        return rest
    }

    private func range(_ lines: ClosedRange<Int>) -> SourceRange { SourceRange(file: file, lines: lines) }

    /// Reads up to the end of one instruction; comments and blank lines before it are skipped.
    private mutating func readInstruction() {
        guard var line = readLogicalLine() else { return }
        do {
            guard var lexed = try LexedInstruction.lex(line.text, escape: escape) else { return }
            line.comments = comments
            comments = []
            if lexed.mayHaveHeredocs {
                let bodies = try readBodies(HeredocLexing.marks(in: line.text))
                lexed.attach(bodies)
            }
            line.lastLine = max(position, line.firstLine)
            lexed.line = line
            instructions.append(lexed)
        } catch {
            comments = []
            let lastLine = max(position, line.firstLine)
            diagnostics.append(Diagnostic(.error, error.message, at: range(line.firstLine...lastLine)))
        }
    }

    /// Joins continued lines (LEX-9…LEX-13); nil when a comment, a blank line or nothing was there.
    private mutating func readLogicalLine() -> LogicalLine? {
        let start = TextBytes.trimmedStart(Self.withoutLineEnd(lines[position]))
        position += 1
        if start.first == UInt8(ascii: "#") {
            let comment = TextBytes.text(TextBytes.trimmed(start.dropFirst()))
            if comment.isEmpty { comments = [] } else { comments.append(comment) }
            return nil
        }
        if start.isEmpty { return nil }
        var logical = LogicalLine()
        logical.firstLine = position
        var isContinued = append(start, to: &logical.text)
        while isContinued, position < lines.count {
            let line = Self.withoutLineEnd(lines[position])
            position += 1
            switch TextBytes.trimmedStart(line).first {
            case UInt8(ascii: "#"): continue
            case nil: logical.hasEmptyContinuation = true
            default: isContinued = append(line, to: &logical.text)
            }
        }
        return logical
    }

    /// Appends a physical line without its continuation token; whether it had one (LEX-9).
    private func append(_ line: ArraySlice<UInt8>, to text: inout [UInt8]) -> Bool {
        var end = line
        while end.last == 0x20 || end.last == 0x09 { end = end.dropLast() }
        guard end.last == escape, end.dropLast().last != escape else {
            text += line
            return false
        }
        text += end.dropLast()
        return true
    }

    /// Takes the lines up to each terminator, as they are (HD-6, HD-7).
    private mutating func readBodies(_ marks: [HeredocLexing.Mark]) throws(LexingError) -> [Heredoc] {
        var bodies: [Heredoc] = []
        for mark in marks {
            var content: [UInt8] = []
            var isTerminated = false
            while position < lines.count, !isTerminated {
                var line = lines[position]
                position += 1
                if mark.stripsTabs { line = HeredocLexing.strippingTabs(line) }
                isTerminated = Self.withoutLineEnd(line).elementsEqual(mark.name)
                if !isTerminated { content += line }
            }
            guard isTerminated else { throw LexingError(message: "unterminated heredoc") }
            bodies.append(
                Heredoc(
                    name: TextBytes.text(mark.name),
                    content: TextBytes.text(content),
                    expands: mark.expands,
                    fileDescriptor: mark.fileDescriptor
                )
            )
        }
        return bodies
    }
}
