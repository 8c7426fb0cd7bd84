import ImgReport

/// Entry points for fuzzing: every input must end with a result or a thrown error.
package enum FuzzEntry {
    /// Reads a Dockerfile and everything in it that is read later.
    package static func dockerfile(_ bytes: [UInt8]) {
        let (dockerfile, diagnostics) = Dockerfile.parse(SourceFile(name: "Dockerfile", bytes: bytes))
        for diagnostic in diagnostics { _ = diagnostic.range?.startLine }
        for instruction in dockerfile.instructions {
            if case .onbuild(let text) = instruction.body {
                _ = try? Instruction.parseTrigger(text, at: instruction.range)
            }
            expansion(Array(instruction.original.utf8), escape: dockerfile.directives.escape)
        }
    }

    /// Expands a text in each way.
    package static func expansion(_ bytes: [UInt8], escape: UInt8 = UInt8(ascii: "\\")) {
        let text = TextBytes.text(bytes)
        let expander = WordExpander(escape: escape)
        let variables = { (name: String) in name.utf8.count % 2 == 1 ? "value of \(name)/*" : nil }
        _ = try? expander.expand(text, variables: variables)
        _ = try? expander.expandWords(text, variables: variables)
        _ = try? expander.expandHeredoc(text, variables: variables)
        _ = try? GoDuration.parse(text)
    }

    /// Reads an ignore file and asks it about its own lines as paths.
    package static func ignore(_ bytes: [UInt8]) {
        for line in bytes.split(separator: 0x0a) { _ = try? PathMatch.match(pattern: Array(line), name: Array(line)) }
        guard let patterns = try? IgnorePatterns(parsing: bytes) else { return }
        for line in bytes.split(separator: 0x0a) {
            _ = patterns.ignores(path: Array(line))
            _ = patterns.canPrune(Array(line))
        }
    }
}
