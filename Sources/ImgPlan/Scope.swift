import ImgDockerfile
import ImgOCI
import ImgReport

/// The names that words expand with.
struct Variables {
    private(set) var values: [String: String] = [:]

    subscript(name: String) -> String? {
        get { values[name] }
        set { values[name] = newValue }
    }

    /// For suggestions, the same on every run.
    var names: [String] { values.keys.sortedByBytes() }

    /// Takes over `NAME=value` entries; one without `=` is empty (ARG-14).
    mutating func adopt(environment: [String]) {
        var seen: Set<Substring> = []
        for entry in environment {
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard seen.insert(parts[0]).inserted else { continue }
            values[String(parts[0])] = parts.count == 2 ? String(parts[1]) : ""
        }
    }
}

/// Names that are there without being declared (ARG-9).
enum AutomaticArguments {
    static let names: Set<String> = [
        "BUILDPLATFORM", "BUILDOS", "BUILDOSVERSION", "BUILDARCH", "BUILDVARIANT", "TARGETPLATFORM", "TARGETOS",
        "TARGETOSVERSION", "TARGETARCH", "TARGETVARIANT", "TARGETSTAGE",
    ]
    /// Those that tell the platforms apart.
    static let ofTarget: Set<String> = [
        "TARGETPLATFORM", "TARGETOS", "TARGETOSVERSION", "TARGETARCH", "TARGETVARIANT",
    ]

    static func values(build: Platform, target: Platform, stage: String) -> [String: String] {
        var values = ["TARGETSTAGE": stage]
        for (prefix, platform) in [("BUILD", build.normalized), ("TARGET", target.normalized)] {
            values[prefix + "PLATFORM"] = platform.description
            values[prefix + "OS"] = platform.os
            values[prefix + "OSVERSION"] = platform.osVersion ?? ""
            values[prefix + "ARCH"] = platform.architecture
            values[prefix + "VARIANT"] = platform.variant ?? ""
        }
        return values
    }
}

/// What FROM operands and stage ARGs without a default see (ARG-1…ARG-3).
struct GlobalScope {
    private(set) var variables = Variables()
    /// Declared before the first FROM, with a value or not.
    private(set) var declared: Set<String> = []

    /// - Parameter buildArgs: Empty to see what the defaults alone come to.
    init(
        _ source: SourceStages,
        automatic: [String: String],
        buildArgs: [String: String],
        expander: Expander
    ) throws(BuildError) {
        for (name, value) in automatic { variables[name] = buildArgs[name] ?? value }
        for instruction in source.globalArguments {
            guard case .arg(let definitions) = instruction.body else { continue }
            for (position, definition) in definitions.enumerated() {
                declared.insert(definition.name)
                if let value = buildArgs[definition.name] {
                    variables[definition.name] = value
                } else if let word = definition.value {
                    do {
                        variables[definition.name] = try expander.expand(word, variables, at: instruction.range).text
                    } catch {
                        throw error.focused(on: instruction.range(ofOperand: position))
                    }
                }
            }
        }
    }

    func isKnown(_ name: String) -> Bool { declared.contains(name) || AutomaticArguments.names.contains(name) }
}
