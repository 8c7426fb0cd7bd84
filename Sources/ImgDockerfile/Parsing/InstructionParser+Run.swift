extension InstructionParser {
    private static let runFlags: [String: FlagParser.Kind] = [
        "mount": .list, "network": .string, "security": .string, "device": .list,
    ]

    /// RUN, which is parsed in full although nothing runs it (RUN-1…RUN-4).
    func run() throws(ValidationError) -> RunInstruction {
        let flags = try FlagParser(raw.flags, allowing: Self.runFlags)
        var sources: [String] = []
        for mount in flags.list("mount") {
            if let source = try mountSource(mount) { sources.append(source) }
        }
        if let mode = flags.string("network"), !["default", "none", "host"].contains(mode) {
            throw ValidationError(
                message: "invalid network mode \(mode.goQuoted)",
                stretch: stretch(ofFlag: "network")
            )
        }
        if let mode = flags.string("security"), !["sandbox", "insecure"].contains(mode) {
            throw ValidationError(
                message: "security \(mode.goQuoted) is not valid",
                stretch: stretch(ofFlag: "security")
            )
        }
        let heredocs = raw.heredocs.map { heredoc in
            Heredoc(
                name: heredoc.marker.name,
                content: heredoc.body,
                expands: heredoc.marker.expands,
                fileDescriptor: heredoc.marker.fileDescriptor
            )
        }
        return RunInstruction(command: command, heredocs: heredocs, mountSources: sources)
    }

    /// The value of `from=` in a mount, the last one given.
    private func mountSource(_ mount: String) throws(ValidationError) -> String? {
        var source: String?
        for field in try fields(mount) {
            let parts = field.utf8.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, TextBytes.text(parts[0]).lowercased() == "from" else { continue }
            if zip(parts[1], parts[1].dropFirst()).contains(where: { $0.0 == UInt8(ascii: "$") }) {
                throw ValidationError(
                    message: "'from' doesn't support variable expansion, define alias stage instead",
                    stretch: stretch(ofFlag: "mount")
                )
            }
            source = TextBytes.text(parts[1])
        }
        return source
    }

    /// One record of comma-separated values; a field may stand in double quotes, doubled inside.
    private func fields(_ record: String) throws(ValidationError) -> [String] {
        func malformed(_ reason: String) -> ValidationError {
            ValidationError(message: "failed to parse csv mounts: \(reason)", stretch: stretch(ofFlag: "mount"))
        }
        let quote = UInt8(ascii: "\"")
        let comma = UInt8(ascii: ",")
        var fields: [String] = []
        var rest = Array(record.utf8)[...]
        while true {
            var field: [UInt8] = []
            if rest.first == quote {
                rest = rest.dropFirst()
                while true {
                    guard let end = rest.firstIndex(of: quote) else { throw malformed("unterminated quoted field") }
                    field += rest[..<end]
                    rest = rest[(end + 1)...]
                    guard rest.first == quote else { break }
                    field.append(quote)
                    rest = rest.dropFirst()
                }
                guard rest.isEmpty || rest.first == comma else {
                    throw malformed("extraneous or missing \" in quoted-field")
                }
            } else {
                field += rest.prefix { $0 != comma }
                guard !field.contains(quote) else { throw malformed("bare \" in non-quoted field") }
                rest = rest.dropFirst(field.count)
            }
            fields.append(TextBytes.text(field))
            guard rest.first == comma else { return fields }
            rest = rest.dropFirst()
        }
    }
}
