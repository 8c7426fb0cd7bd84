import ImgChecks
import ImgDockerfile
import ImgOCI
import ImgReport

/// Why a COPY took the file of another processor, as far as the Dockerfile's text tells.
struct ArchitectureCause {
    let dockerfile: Dockerfile
    let buildArguments: [BuildArgument]

    /// What BuildKit sets for every platform.
    private static let targetNames = ["TARGETARCH", "TARGETPLATFORM", "TARGETVARIANT", "TARGETOS"]
    private static let buildNames = ["BUILDARCH", "BUILDPLATFORM", "BUILDVARIANT", "BUILDOS"]

    /// Nil when the instruction is no COPY or ADD of this Dockerfile.
    func likely(of range: SourceRange, found: String) -> ArchitectureCheck.Cause? {
        guard let place = dockerfile.instructions.firstIndex(where: { $0.range == range }) else { return nil }
        let copy: CopyInstruction
        switch dockerfile.instructions[place].body {
        case .copy(let instruction), .add(let instruction): copy = instruction
        default: return nil
        }
        let text = copy.sources.joined(separator: " ")
        let used = Self.targetNames.filter { Self.mentions(text, $0) }
        for name in used {
            if let value = buildArguments.last(where: { $0.name == name })?.value {
                return ArchitectureCheck.Cause(
                    "--build-arg \(name)=\(value) hides the platform that is built",
                    remedy: "leave out --build-arg \(name)=\(value)"
                )
            }
            if let cause = shadowing(name, before: place) { return cause }
        }
        if let name = Self.buildNames.first(where: { Self.mentions(text, $0) }) {
            let right = "TARGET" + name.dropFirst("BUILD".count)
            return ArchitectureCheck.Cause(
                "\(name) is the machine that builds, not the platform that is built",
                remedy: "use \(right), after ARG \(right) in this stage"
            )
        }
        if let from = copy.from, let cause = pinnedStage(from, before: place) { return cause }
        return used.isEmpty && copy.from == nil ? samePath(copy, range, found) : nil
    }

    /// An ARG with a default, or none at all in this stage, keeps the automatic value out.
    private func shadowing(_ name: String, before place: Int) -> ArchitectureCheck.Cause? {
        for instruction in dockerfile.instructions[..<place].reversed() {
            switch instruction.body {
            case .arg(let definitions):
                guard let definition = definitions.last(where: { $0.name == name }) else { continue }
                guard let value = definition.value else { return nil }
                let line = instruction.range.startLine
                return ArchitectureCheck.Cause(
                    "ARG \(name)=\(value) on line \(line) has a default, which hides the platform that is built",
                    remedy: "write ARG \(name) on line \(line), without a default"
                )
            case .env(let pairs, _):
                guard let pair = pairs.last(where: { $0.key == name }) else { continue }
                return ArchitectureCheck.Cause(
                    "ENV \(name)=\(pair.value) on line \(instruction.range.startLine) hides the platform that is built",
                    remedy: "remove \(name) from ENV on line \(instruction.range.startLine) and write ARG \(name) there"
                )
            case .from:
                return ArchitectureCheck.Cause(
                    "this stage does not declare \(name), so it has no value here",
                    remedy: "add ARG \(name) below line \(instruction.range.endLine)"
                )
            default: continue
            }
        }
        return nil
    }

    /// A stage that is always for one platform.
    private func pinnedStage(_ name: String, before place: Int) -> ArchitectureCheck.Cause? {
        var number = 0
        for instruction in dockerfile.instructions[..<place] {
            guard case .from(let from) = instruction.body else { continue }
            if from.stageName == name.lowercased() || String(number) == name, let platform = from.platform {
                return ArchitectureCheck.Cause(
                    "stage \(name) is FROM --platform=\(platform) on line \(instruction.range.startLine)",
                    remedy: "remove --platform=\(platform) from line \(instruction.range.startLine)"
                )
            }
            number += 1
        }
        return nil
    }

    private func samePath(_ copy: CopyInstruction, _ range: SourceRange, _ found: String) -> ArchitectureCheck.Cause {
        let sources = copy.sources.map { Self.withVariable($0, found) ?? Self.inDirectory($0) }
        let example = "COPY \(sources.joined(separator: " ")) \(copy.destination)"
        let isRenamed = zip(copy.sources, sources).contains { Self.withVariable($0, found) == nil && $0 != $1 }
        return ArchitectureCheck.Cause(
            "the path does not depend on the platform: every platform gets the same file",
            remedy: "write ARG TARGETARCH and \(example) instead of line \(range.startLine)"
                + (isRenamed ? ", with each platform's file in the directory of its name (amd64, arm64)" : "")
        )
    }

    /// `bin/amd64/app` becomes `bin/${TARGETARCH}/app`.
    private static func withVariable(_ path: String, _ found: String) -> String? {
        guard path.contains(found) else { return nil }
        return String(path.replacing(found, with: "${TARGETARCH}"))
    }

    /// `bin/app` becomes `bin/${TARGETARCH}/app`.
    private static func inDirectory(_ path: String) -> String {
        var parts = path.split(separator: "/").map(String.init)
        parts.insert("${TARGETARCH}", at: max(parts.count - 1, 0))
        return parts.joined(separator: "/")
    }

    private static func mentions(_ text: String, _ name: String) -> Bool {
        text.contains("${\(name)")
            || text.split(separator: "$").dropFirst()
                .contains { $0.prefix { $0.isLetter || $0.isNumber || $0 == "_" } == name }
    }
}
