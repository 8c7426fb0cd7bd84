/// The argument of `#!/usr/bin/env`, as far as it is plain which program `env` looks for in the container's `PATH`.
struct EnvironmentCommand: Sendable {
    /// Nil when that is not certain.
    let program: String?

    init(_ argument: String) {
        var words = argument.split { $0 == " " || $0 == "\t" }.map(String.init)[...]
        guard words.first?.hasPrefix("-") == true else {
            // One word for the kernel, blanks included.
            program = argument.isEmpty || argument.contains("=") ? nil : argument
            return
        }
        while let word = words.first {
            guard
                ["-S", "--split-string", "-v", "--debug"].contains(word) || (word.contains("=") && !word.hasPrefix("-"))
            else {
                break
            }
            if word.hasPrefix("PATH=") { break }
            words.removeFirst()
        }
        // Other options take arguments, or an environment that has no PATH. Quotes and variables are env's own language.
        program = words.first.flatMap { word in
            word.hasPrefix("-") || word.contains { "=$'\"\\".contains($0) } ? nil : word
        }
    }
}
