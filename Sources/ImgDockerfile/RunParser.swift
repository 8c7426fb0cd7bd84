/// RUN: read in full and never executed (RUN-1…RUN-4).
struct RunParser {
    let lexed: LexedInstruction

    func instruction() throws(ParsingError) -> RunInstruction {
        let flags = try FlagParser(
            lexed.flags,
            known: ["mount": .list, "network": .string, "security": .string, "device": .list]
        )
        if let network = flags.string("network"), !["default", "none", "host"].contains(network) {
            throw ParsingError("invalid network mode \(network.goQuoted)")
        }
        if let security = flags.string("security"), !["insecure", "sandbox"].contains(security) {
            throw ParsingError("security \(security.goQuoted) is not valid")
        }
        var sources: [String] = []
        for mount in flags.list("mount") {
            for field in try Self.fields(mount) {
                let text = Array(field.utf8)
                guard let equals = text.firstIndex(of: UInt8(ascii: "=")) else { continue }
                guard TextBytes.text(text[..<equals]).lowercased() == "from" else { continue }
                let source = text[(equals + 1)...]
                if source.contains(UInt8(ascii: "$")) {
                    throw ParsingError("'from' doesn't support variable expansion, define alias stage instead")
                }
                if !source.isEmpty { sources.append(TextBytes.text(source)) }
            }
        }
        return RunInstruction(command: lexed.command, heredocs: lexed.heredocs, mountSources: sources)
    }

    /// The fields of one comma-separated record; quoted ones may hold commas.
    static func fields(_ record: String) throws(ParsingError) -> [String] {
        var fields: [String] = []
        var rest = Array(record.utf8)[...]
        func failure(_ reason: String) -> ParsingError {
            let column = record.utf8.count - rest.count + 1
            return ParsingError("failed to parse csv mounts: parse error on line 1, column \(column): \(reason)")
        }
        while true {
            var field: [UInt8] = []
            if rest.first == UInt8(ascii: "\"") {
                rest = rest.dropFirst()
                var isClosed = false
                while let byte = rest.first, !isClosed {
                    rest = rest.dropFirst()
                    if byte != UInt8(ascii: "\"") {
                        field.append(byte)
                    } else if rest.first == UInt8(ascii: "\"") {
                        field.append(byte)
                        rest = rest.dropFirst()
                    } else {
                        isClosed = true
                    }
                }
                guard isClosed, rest.isEmpty || rest.first == UInt8(ascii: ",") else {
                    throw failure("extraneous or missing \" in quoted-field")
                }
            } else {
                while let byte = rest.first, byte != UInt8(ascii: ",") {
                    if byte == UInt8(ascii: "\"") { throw failure("bare \" in non-quoted-field") }
                    field.append(byte)
                    rest = rest.dropFirst()
                }
            }
            fields.append(TextBytes.text(field))
            guard rest.first == UInt8(ascii: ",") else { return fields }
            rest = rest.dropFirst()
        }
    }
}
