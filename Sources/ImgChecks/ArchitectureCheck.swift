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
        guard isSuspect(file.facts.format) else { return nil }
        let isExecutable = file.mode & 0o111 != 0
        switch file.facts.format {
        case .script: return nil
        case .elf(let machine, let kind):
            if fit(machine) == .compatible {
                return mismatch(
                    file,
                    machine.name,
                    .warning,
                    "runs only where the kernel and libraries for 32-bit programs are there"
                )
            }
            // A file that says in its own name that it is for another processor was brought on purpose, and a program that
            // nobody may execute is data: firmware, say.
            let path = FilePath(file.path)
            let isMeant = path.isLabelled(machine.name) || path.isFirmware || (kind == .executable && !isExecutable)
            return mismatch(
                file,
                machine.name,
                isMeant ? .warning : .error,
                "cannot run here: \"exec format error\""
            )
        case .machO(let machines):
            let names = "macOS " + machines.map(\.name).joined(separator: " and ")
            // Libraries for macOS lie in what package managers install there, and are loaded only there.
            let path = FilePath(file.path)
            let isMeant = !isExecutable || path.isLabelled("darwin") || path.isLibrary
            return mismatch(
                file,
                names,
                platform.os == "linux" && !isMeant ? .error : .warning,
                "is a macOS binary and cannot run on \(platform.os)"
            )
        case .pe(let machine, let isLibrary):
            // .NET assemblies are PE files that run anywhere; only a program that is marked executable is odd.
            guard isExecutable, !isLibrary else { return nil }
            return mismatch(file, "Windows \(machine.name)", .warning, "is a Windows program")
        }
    }

    /// Whether there can be a finding about a file, whatever its path and mode.
    package func isSuspect(_ format: BinaryFormat) -> Bool {
        switch format {
        case .script: false
        // Code for graphics processors, microcontrollers and the kernel's own machine comes in ELF files too.
        case .elf(let machine, let kind): kind != .other && fit(machine).isOdd && machine.isPlatform
        case .machO: platform.os != "darwin"
        case .pe: platform.os == "linux"
        }
    }

    /// Whether a file is a program or library for one processor, and does not say in its own name for which.
    package static func isBound(_ format: BinaryFormat, at path: [UInt8]) -> Bool {
        let path = FilePath("/" + String(decoding: path, as: UTF8.self))
        switch format {
        case .script: return false
        case .elf(let machine, let kind):
            return kind != .other && machine.isPlatform && !path.isLabelled(machine.name) && !path.isFirmware
        case .machO(let machines): return machines.count == 1 && !path.isLabelled("darwin") && !path.isLibrary
        // .NET's compiler says 386 for what runs anywhere.
        case .pe(let machine, let isLibrary): return !isLibrary && machine.isPlatform && machine.name != "386"
        }
    }

    enum Fit {
        case same
        case compatible
        case different
        /// The image is for a processor that is not known here.
        case unknown

        var isOdd: Bool { self == .compatible || self == .different }
    }

    func fit(_ machine: BinaryFormat.Machine) -> Fit {
        if machine.name == platform.architecture { return .same }
        guard BinaryFormat.Machine(platform.architecture).isPlatform else { return .unknown }
        switch (platform.architecture, machine.name) {
        case ("amd64", "386"), ("amd64", "amd64p32"), ("arm64", "arm"), ("s390x", "s390"), ("ppc64", "ppc"),
            ("mips64", "mips"), ("mips64le", "mipsle"):
            return .compatible
        default: return .different
        }
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
