import ImgReport

/// The first phase: a file into instructions whose operands are split but not validated (§1, §3).
struct Lexer {
    let file: SourceFile
    private(set) var escape = UInt8(ascii: "\\")
    private(set) var instructions: [RawInstruction] = []
    private var lines: SourceLines
    private var directives = DirectiveReader()
    private var comments: [String] = []
    private let readsDirectives: Bool

    /// - Parameter readsDirectives: Whether `# escape=` counts; triggers have none (CFG-12).
    init(_ file: SourceFile, readsDirectives: Bool = true) {
        self.file = file
        self.readsDirectives = readsDirectives
        lines = SourceLines(file)
    }

    /// Reads to the end; what came before an error stays in ``instructions`` (LEX-18).
    mutating func run() throws(BuildError) {
        guard !file.bytes.isEmpty else { throw BuildError("the Dockerfile cannot be empty") }
        do throws(LexingError) {
            while let line = try lines.next() {
                if readsDirectives, try readDirective(line) { continue }
                if lines.isComment(line) {
                    remember(line)
                    continue
                }
                let start = TextBytes.trimmedStart(file.bytes[line.text]).startIndex
                if start < line.end { try readInstruction(startingWith: line, at: start) }
            }
        } catch {
            let line = SourceRange(file: file, lines: lines.number...lines.number)
            let notes = error.note.map { [$0] } ?? []
            let hints = error.hint.map { [$0] } ?? []
            throw BuildError(error.message, at: error.range ?? line, notes: notes, hints: hints)
        }
        guard !instructions.isEmpty else { throw BuildError("file with no instructions") }
    }

    /// Whether a line is a directive, which is no comment about the first instruction then.
    private mutating func readDirective(_ line: SourceLines.Line) throws(LexingError) -> Bool {
        // Leading blanks are tolerated here (DIR-5).
        let text = TextBytes.trimmedStart(file.bytes[line.text])
        guard let directive = try directives.directive(in: text) else { return false }
        if directive.name != "escape" { return true }
        guard directive.value == [UInt8(ascii: "`")] || directive.value == [UInt8(ascii: "\\")] else {
            let shown = TextBytes.text(directive.value)
            throw LexingError(message: "invalid escape token '\(shown)' does not match ` or \\")
        }
        escape = directive.value[0]
        return true
    }

    /// LEX-8: an empty comment forgets those before it, a blank line does not.
    private mutating func remember(_ line: SourceLines.Line) {
        let text = TextBytes.trimmedStart(file.bytes[line.text]).dropFirst()
        let comment = TextBytes.text(TextBytes.trimmed(text))
        if comment.isEmpty { comments = [] } else { comments.append(comment) }
    }

    /// The stretch of a line that belongs to the instruction, and whether the line continues (LEX-9).
    private func continuation(of stretch: Range<Int>) -> (text: Range<Int>, continues: Bool) {
        var end = stretch.upperBound
        while end > stretch.lowerBound, file.bytes[end - 1] == 0x20 || file.bytes[end - 1] == 0x09 { end -= 1 }
        guard end > stretch.lowerBound, file.bytes[end - 1] == escape else { return (stretch, false) }
        if end - 1 > stretch.lowerBound, file.bytes[end - 2] == escape { return (stretch, false) }
        return (stretch.lowerBound..<end - 1, true)
    }

    private mutating func readInstruction(startingWith first: SourceLines.Line, at start: Int) throws(LexingError) {
        var text = LogicalLine(file: file)
        var (stretch, continues) = continuation(of: start..<first.end)
        text.append(stretch)
        var hasEmptyContinuation = false
        while continues, let line = try lines.next() {
            if lines.isComment(line) { continue }
            if TextBytes.trimmedStart(file.bytes[line.text]).isEmpty {
                hasEmptyContinuation = true
                continue
            }
            (stretch, continues) = continuation(of: line.text)
            text.append(stretch)
        }
        let comments = comments
        self.comments = []
        do throws(LexingError) {
            let splitter = ArgumentLexer(bytes: text.bytes, escape: escape)
            guard let parts = try splitter.instruction(0..<text.bytes.count) else { return }
            var heredocs: [RawHeredoc] = []
            if parts.arguments.canHoldHeredocs(of: parts.keyword) {
                for marker in HeredocMarker.markers(in: text.bytes) { heredocs.append(try body(of: marker)) }
            }
            instructions.append(
                RawInstruction(
                    line: text,
                    range: SourceRange(file: file, lines: first.number...lines.number),
                    comments: comments,
                    hasEmptyContinuation: hasEmptyContinuation,
                    keyword: parts.keyword,
                    flags: parts.flags,
                    arguments: parts.arguments,
                    heredocs: heredocs
                )
            )
        } catch {
            let whole = SourceRange(file: file, lines: first.number...lines.number)
            var located = error
            located.range = error.stretch.map(text.range) ?? whole
            if located.range?.startLine != first.number {
                located.note = "the instruction begins on line \(first.number)"
            }
            throw located
        }
    }

    /// Reads a body up to its terminator (HD-6, HD-7).
    private mutating func body(of marker: HeredocMarker) throws(LexingError) -> RawHeredoc {
        let name = Array(marker.name.utf8)
        var content: [UInt8] = []
        while let line = try lines.next() {
            var start = line.start
            if marker.trimsTabs {
                while start < line.end, file.bytes[start] == 0x09 { start += 1 }
            }
            if file.bytes[start..<line.end].elementsEqual(name) {
                return RawHeredoc(marker: marker, content: content)
            }
            content += file.bytes[line.start..<line.next]
        }
        throw LexingError(
            message: "unterminated heredoc",
            hint: "no line consists of \"\(marker.name)\" alone\(marker.trimsTabs ? "" : ", without blanks around it")"
        )
    }
}
