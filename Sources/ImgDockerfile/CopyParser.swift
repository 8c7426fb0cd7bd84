import ImgReport

/// COPY and ADD.
struct CopyParser {
    let lexed: LexedInstruction

    func instruction() throws(ParsingError) -> CopyInstruction {
        let operands = lexed.words
        guard operands.count >= 2, let destination = operands.last else {
            let reason =
                "requires at least two arguments, but only one was provided. Destination could not be determined"
            throw ParsingError("\(lexed.name) \(reason)")
        }
        let flags = try FlagParser(lexed.flags, known: lexed.name == "ADD" ? Self.addFlags : Self.copyFlags)
        if HeredocLexing.mark(Array(destination.utf8)) != nil {
            throw ParsingError("\(lexed.name) cannot accept a heredoc as a destination")
        }
        var copy = CopyInstruction(sources: [], heredocs: [], destination: destination)
        for operand in operands.dropLast() {
            if let mark = HeredocLexing.mark(Array(operand.utf8)) {
                copy.heredocs.append(heredoc(mark))
            } else {
                copy.sources.append(operand)
            }
        }
        copy.from = flags.string("from")
        copy.chown = flags.string("chown")
        copy.chmod = flags.string("chmod")
        copy.checksum = flags.string("checksum")
        copy.link = flags.boolean("link") ?? false
        copy.parents = flags.boolean("parents") ?? false
        copy.keepGitDir = flags.boolean("keep-git-dir")
        copy.unpack = flags.boolean("unpack")
        copy.excludes = flags.list("exclude")
        return copy
    }

    /// Bodies are found by name, and the last of a name wins (HD-12); JSON form has none (HD-14).
    private func heredoc(_ mark: HeredocLexing.Mark) -> Heredoc {
        let name = TextBytes.text(mark.name)
        let body = lexed.heredocs.last { $0.name == name }
        return Heredoc(
            name: name,
            content: body?.content ?? "",
            expands: mark.expands,
            fileDescriptor: mark.fileDescriptor
        )
    }

    private static var copyFlags: KeyValuePairs<String, FlagParser.Kind> {
        [
            "from": .string, "chown": .string, "chmod": .string, "link": .boolean, "parents": .boolean,
            "exclude": .list,
        ]
    }

    private static var addFlags: KeyValuePairs<String, FlagParser.Kind> {
        [
            "chown": .string, "chmod": .string, "checksum": .string, "link": .boolean, "keep-git-dir": .boolean,
            "unpack": .boolean, "exclude": .list,
        ]
    }
}
