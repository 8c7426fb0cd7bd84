package import ImgOCI
package import ImgReport

/// Whether a file that a COPY or ADD brings can run on the platform it is put into.
package struct ArchitectureCheck: Sendable {
    /// One copied file.
    package struct CopiedFile: Sendable {
        package var path: String
        package var mode: UInt16
        package var facts: ExecutableFacts
        package var range: SourceRange?
        package var cause: Cause?

        package init(path: String, mode: UInt16, facts: ExecutableFacts, range: SourceRange?, cause: Cause? = nil) {
            self.path = path
            self.mode = mode
            self.facts = facts
            self.range = range
            self.cause = cause
        }
    }

    /// Why the file of another processor was taken, and what puts that right.
    package struct Cause: Hashable, Sendable {
        package var explanation: String
        package var remedy: String

        package init(_ explanation: String, remedy: String) {
            self.explanation = explanation
            self.remedy = remedy
        }
    }

    private let platform: Platform

    package init(platform: Platform) {
        self.platform = platform.normalized
    }

    /// Nil when the file fits or says nothing about a processor.
    package func finding(_ file: CopiedFile) -> Diagnostic? {
        let isExecutable = file.mode & 0o111 != 0
        switch file.facts.format {
        case .script: return nil
        case .elf(let machine, let kind):
            guard kind != .other else { return nil }
            switch fit(machine) {
            case .same: return nil
            case .compatible:
                return mismatch(
                    file,
                    machine.name,
                    .warning,
                    "runs only where the kernel and libraries for 32-bit programs are there"
                )
            case .different:
                // A file that says in its own name that it is for another processor was brought on purpose.
                let isLabelled = isLabelled(file.path, machine.name)
                return mismatch(
                    file,
                    machine.name,
                    isLabelled ? .warning : .error,
                    "cannot run here: \"exec format error\""
                )
            }
        case .machO(let machines):
            let names = "macOS " + machines.map(\.name).joined(separator: " and ")
            let isLabelled = isLabelled(file.path, "darwin") || isLabelled(file.path, "macos")
            let severity: Diagnostic.Severity =
                isExecutable && platform.os == "linux" && !isLabelled ? .error : .warning
            return platform.os == "darwin"
                ? nil : mismatch(file, names, severity, "is a macOS binary and cannot run on \(platform.os)")
        case .pe(let machine, let isLibrary):
            // .NET assemblies are PE files that run anywhere; only a program that is marked executable is odd.
            guard platform.os == "linux", isExecutable, !isLibrary else { return nil }
            return mismatch(file, "Windows \(machine.name)", .warning, "is a Windows program")
        }
    }

    enum Fit {
        case same
        case compatible
        case different
    }

    func fit(_ machine: BinaryFormat.Machine) -> Fit {
        if machine.name == platform.architecture { return .same }
        switch (platform.architecture, machine.name) {
        case ("amd64", "386"), ("arm64", "arm"): return .compatible
        default: return .different
        }
    }

    /// Whether a path has the name of a processor or system as a word of its own, as `linux-arm64/` has.
    private func isLabelled(_ path: String, _ name: String) -> Bool {
        let words = path.lowercased().replacing("x86_64", with: "amd64").replacing("x86-64", with: "amd64")
            .split { !$0.isLetter && !$0.isNumber }
        let names: [Substring] =
            switch name {
            case "amd64": ["amd64", "x64"]
            case "arm64": ["arm64", "aarch64", "arm64v8"]
            case "386": ["386", "i386", "i586", "i686", "ia32", "x86"]
            case "arm": ["arm", "armhf", "armel"]
            default: [Substring(name)]
            }
        return words.contains { names.contains($0) || (name == "arm" && $0.hasPrefix("armv")) }
    }

    private func mismatch(
        _ file: CopiedFile,
        _ found: String,
        _ severity: Diagnostic.Severity,
        _ what: String
    ) -> Diagnostic {
        var finding = CheckRule.wrongArchitecture.finding(
            severity,
            "\(file.path) is built for \(found), but the image is for \(platform): it \(what)",
            path: file.path,
            at: file.range,
            remedy: file.cause?.remedy
                ?? "copy the file that was built for \(platform), for example COPY bin/${TARGETARCH}/app /app after ARG TARGETARCH (without a default) in this stage"
        )
        if let cause = file.cause { finding.notes.append("likely cause: \(cause.explanation)") }
        finding.hints.append(
            "if it is meant to be there: --platform-check-allow '\(file.path)', or the comment \"# imgbuild: platform-check-allow=\(file.path)\" in the Dockerfile"
        )
        return finding
    }
}
