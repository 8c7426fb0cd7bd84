import ImgOCI
import ImgReport

/// Whether one file can be executed: format, processor, interpreter and libraries.
struct ExecutableCheck: Sendable {
    let files: any ImageFiles
    let platform: Platform
    let environment: [String]
    let workingDirectory: String
    let user: StartUser

    /// Scripts lead to their interpreter; the kernel follows four of them.
    func findings(_ file: ImageFile, named name: String, depth: Int = 0) async throws -> [Diagnostic] {
        guard file.wasInspected else { return [] }
        // Some runtimes have an engine for them (`runwasi`, crun).
        if file.facts == nil, file.path.hasSuffix(".wasm") { return [] }
        guard let facts = file.facts else {
            let what = file.size == 0 ? "is empty" : "is neither a program for Linux nor a script with \"#!\""
            return [
                CheckRule.execFormat.finding(
                    .error,
                    "\(name) \(what): \"exec format error\"",
                    path: file.path,
                    remedy: "begin a script with #!/bin/sh (at the very first byte), or copy the right file"
                )
            ]
        }
        switch facts.format {
        case .script(let shebang): return try await findings(shebang, of: file, named: name, depth: depth)
        case .machO, .pe:
            return [
                CheckRule.wrongArchitecture.finding(
                    .error,
                    "\(name) is no Linux program: \"exec format error\"",
                    path: file.path,
                    remedy: "build it for \(platform)"
                )
            ]
        case .elf(let machine, _): return try await findings(elf: machine, facts, of: file, named: name)
        }
    }

    // MARK: - Scripts

    private func findings(
        _ shebang: Shebang,
        of file: ImageFile,
        named name: String,
        depth: Int
    ) async throws -> [Diagnostic] {
        if shebang.endsInCarriageReturn { return [windowsLineEnds(shebang, file, name)] }
        let place = RuntimePath.absolute(shebang.interpreter, from: workingDirectory)
        guard let interpreter = try await files.file(at: place), interpreter.kind == .file else {
            if RuntimePath.isKernels(try await files.destination(of: place)) { return [] }
            return [missing(shebang.interpreter, file, name)]
        }
        guard user.mayExecute(interpreter) else {
            return [missing(shebang.interpreter, file, name, "is not executable")]
        }
        if interpreter.path.hasSuffix("/env") || shebang.interpreter.hasSuffix("/env") {
            if let program = EnvironmentCommand(shebang.argument ?? "").program, !(try await isInPath(program)) {
                return [missing(program, file, name, "is not in PATH")]
            }
        }
        guard depth < 4 else { return [] }
        return try await findings(interpreter, named: shebang.interpreter, depth: depth + 1)
    }

    private func isInPath(_ program: String) async throws -> Bool {
        if program.contains("/") {
            return try await files.file(at: RuntimePath.absolute(program, from: workingDirectory)) != nil
        }
        let path = SearchPath(environment: environment, workingDirectory: workingDirectory)
        for directory in path.directories {
            if try await files.file(at: "\(directory)/\(program)")?.kind == .file { return true }
        }
        return false
    }

    /// Without an argument the kernel itself fails; with one, `env` and shells do, while other interpreters may not mind.
    private func windowsLineEnds(_ shebang: Shebang, _ file: ImageFile, _ name: String) -> Diagnostic {
        let interpreter = shebang.interpreter.split(separator: "/").last.map(String.init) ?? ""
        let isSure = shebang.argument == nil || ["env", "sh", "bash", "dash", "ash"].contains(interpreter)
        let what =
            shebang.argument.map { "\(shebang.interpreter) is given \"\($0)\\r\"" }
            ?? "the kernel looks for \"\(shebang.interpreter)\\r\" and says \"no such file or directory\""
        return CheckRule.shebangCRLF.finding(
            isSure ? .error : .warning,
            "\(name) has Windows line ends: \(what)",
            path: file.path,
            remedy: "convert it: sed -i 's/\\r$//' FILE, and keep it so with \"*.sh text eol=lf\" in .gitattributes"
        )
    }

    private func missing(
        _ interpreter: String,
        _ file: ImageFile,
        _ name: String,
        _ what: String = "does not exist in the image"
    ) -> Diagnostic {
        CheckRule.shebangInterpreterNotFound.finding(
            .error,
            "\(name) is a script for \(interpreter), which \(what)",
            path: file.path,
            remedy: Self.remedy(interpreter)
        )
    }

    private static func remedy(_ interpreter: String) -> String {
        if interpreter.contains(" ") {
            return "Linux hands over all behind env as one word: write #!/usr/bin/env -S \(interpreter)"
        }
        return interpreter.hasSuffix("bash")
            ? "use a base with bash, or write the script for #!/bin/sh" : "use a base that brings \(interpreter)"
    }

    // MARK: - ELF

    private func findings(
        elf machine: BinaryFormat.Machine,
        _ facts: ExecutableFacts,
        of file: ImageFile,
        named name: String
    ) async throws -> [Diagnostic] {
        let fit = ArchitectureCheck(platform: platform).fit(machine)
        if fit == .unknown { return [] }
        if fit == .different {
            return [
                CheckRule.wrongArchitecture.finding(
                    .error,
                    "\(name) is built for \(machine), the image says \(platform): \"exec format error\"",
                    path: file.path,
                    remedy: "build or copy it for \(platform)"
                )
            ]
        }
        var findings: [Diagnostic] = []
        if fit == .compatible {
            findings.append(
                CheckRule.wrongArchitecture.finding(
                    .warning,
                    "\(name) is a 32-bit program (\(machine)) in an image for \(platform)",
                    path: file.path,
                    remedy: "build it for \(platform) unless 32-bit is meant"
                )
            )
        }
        guard let interpreter = facts.interpreter else { return findings }
        guard let loader = try await files.file(at: interpreter), loader.kind == .file else {
            return findings + [try await loaderMissing(interpreter, file, name)]
        }
        if case .elf(let loaderMachine, _)? = loader.facts?.format, loaderMachine.name != machine.name {
            return findings + [try await loaderMissing(interpreter, file, name)]
        }
        guard let known = try await ProgramLoader(requested: interpreter, file: loader, files: files) else {
            return findings
        }
        let check = LibraryCheck(
            files: files,
            machine: machine,
            environment: environment,
            workingDirectory: workingDirectory,
            loader: known
        )
        return findings + (try await check.findings(file, facts, named: name))
    }

    private func loaderMissing(_ interpreter: String, _ file: ImageFile, _ name: String) async throws -> Diagnostic {
        let isGlibc = interpreter.contains("ld-linux") || interpreter.contains("ld64.so")
        let hasMusl = try await files.names(in: "/lib").contains { $0.hasPrefix("ld-musl-") }
        let remedy: String
        switch (isGlibc, hasMusl) {
        case (true, true):
            remedy =
                "the program needs glibc and the base is Alpine (musl): use a Debian or distroless base, build statically, or build on Alpine"
        case (false, _) where interpreter.contains("ld-musl"):
            remedy = "the program was built on Alpine (musl): use an Alpine base, or build it statically"
        default: remedy = "use a base with a C library (Debian, distroless), or link the program statically"
        }
        return CheckRule.interpreterNotFound.finding(
            .error,
            "\(name) needs the loader \(interpreter), which is not in the image: \"no such file or directory\"",
            path: file.path,
            remedy: remedy
        )
    }
}
