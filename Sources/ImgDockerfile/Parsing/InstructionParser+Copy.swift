extension InstructionParser {
    private static let copyFlags: [String: FlagParser.Kind] = [
        "from": .string, "chown": .string, "chmod": .string, "link": .bool, "parents": .bool, "exclude": .list,
    ]
    private static let addFlags: [String: FlagParser.Kind] = [
        "chown": .string, "chmod": .string, "checksum": .string, "link": .bool, "keep-git-dir": .bool, "unpack": .bool,
        "exclude": .list,
    ]

    /// Sources, then heredocs, then the destination.
    var copyOperands: [Word] {
        let sources = operands.dropLast()
        return sources.filter { HeredocMarker($0.bytes) == nil } + sources.filter { HeredocMarker($0.bytes) != nil }
            + operands.suffix(1)
    }

    /// COPY and ADD (§4, HD-10…HD-14).
    func copy(isAdd: Bool) throws(ValidationError) -> CopyInstruction {
        let verb = isAdd ? "ADD" : "COPY"
        let operands = operands
        guard operands.count >= 2, let destination = operands.last else {
            throw ValidationError(
                message: "\(verb) requires at least two arguments, but only one was provided. "
                    + "Destination could not be determined"
            )
        }
        let flags = try FlagParser(raw.flags, allowing: isAdd ? Self.addFlags : Self.copyFlags)
        if HeredocMarker(destination.bytes) != nil {
            throw ValidationError(
                message: "\(verb) cannot accept a heredoc as a destination",
                stretch: destination.stretch
            )
        }
        var copy = CopyInstruction(sources: [], heredocs: [], destination: destination.text)
        for operand in operands.dropLast() {
            if let marker = HeredocMarker(operand.bytes) {
                copy.heredocs.append(heredoc(for: marker))
            } else {
                copy.sources.append(operand.text)
            }
        }
        copy.from = flags.string("from")
        copy.chown = flags.string("chown")
        copy.chmod = flags.string("chmod")
        copy.checksum = flags.string("checksum")
        copy.link = flags.bool("link") ?? false
        copy.parents = flags.bool("parents") ?? false
        copy.keepGitDir = flags.bool("keep-git-dir")
        copy.unpack = flags.bool("unpack")
        copy.excludes = flags.list("exclude")
        return copy
    }

    /// Bodies are found by name: the last of that name wins, and in a JSON form there is none (HD-12, HD-14).
    private func heredoc(for marker: HeredocMarker) -> Heredoc {
        let body = raw.heredocs.last { $0.marker.name == marker.name }
        return Heredoc(
            name: marker.name,
            content: body?.body ?? "",
            expands: marker.expands,
            fileDescriptor: marker.fileDescriptor
        )
    }
}
