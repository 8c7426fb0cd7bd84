package import ImgReport

extension CheckOptions {
    /// Reads the value of a `check` directive or of `BUILDKIT_DOCKERFILE_CHECK` (DIR-8).
    package init(parsing text: String) throws(BuildError) {
        self.init()
        let value = TextBytes.trimmed(Array(text.utf8))
        if value.isEmpty { return }
        for option in value.split(separator: UInt8(ascii: ";"), maxSplits: 2, omittingEmptySubsequences: false) {
            guard let cut = option.firstIndex(of: UInt8(ascii: "=")) else {
                throw Self.invalid(TextBytes.text(option))
            }
            let key = TextBytes.text(TextBytes.trimmed(option[..<cut]))
            let value = TextBytes.text(TextBytes.trimmed(option[(cut + 1)...]))
            switch key {
            case "skip":
                if value == "all" { skipAll = true } else { skip = Self.rules(value) }
            case "experimental":
                if value == "all" { experimentalAll = true } else { experimental = Self.rules(value) }
            case "error":
                guard let isError = Self.bool(value) else {
                    throw BuildError(
                        "failed to parse check options: failed to parse check option "
                            + "\(TextBytes.text(option).goQuoted): strconv.ParseBool: parsing "
                            + "\(value.goQuoted): invalid syntax"
                    )
                }
                error = isError
            default: throw Self.invalid(key)
            }
        }
    }

    private static func invalid(_ option: String) -> BuildError {
        BuildError(
            "failed to parse check options: invalid check option \(option.goQuoted)",
            hints: ["options are skip=all|Rule,…  experimental=all|Rule,…  error=true, separated by ;"]
        )
    }

    /// As Go's `ParseBool`.
    private static func bool(_ text: String) -> Bool? {
        switch text {
        case "1", "t", "T", "TRUE", "true", "True": true
        case "0", "f", "F", "FALSE", "false", "False": false
        default: nil
        }
    }

    private static func rules(_ text: String) -> Set<String> {
        Set(text.utf8.split(separator: UInt8(ascii: ",")).map { TextBytes.text(TextBytes.trimmed(Array($0))) })
    }

    /// Rules that comments above an instruction skip; text behind the first space does not count (LINT-4).
    static func skippedRules(by comments: [String]) -> Set<String> {
        var rules: Set<String> = []
        for comment in comments {
            var reader = DirectiveReader()
            guard let directive = try? reader.directive(in: Array("#\(comment)".utf8)[...]), directive.name == "check",
                let options = try? CheckOptions(
                    parsing: TextBytes.text(directive.value.prefix { $0 != UInt8(ascii: " ") })
                )
            else { continue }
            rules.formUnion(options.skip)
            if options.skipAll { rules.insert("all") }
        }
        return rules
    }
}
