package import ImgOCI
package import ImgReport

/// Whether a container of an image will start, predicted from its configuration and its files.
///
/// Nothing is run. An error means that a start is sure to fail; what merely may fail is a warning.
package struct StartCheck: Sendable {
    let config: ContainerConfig
    let platform: Platform
    let files: any ImageFiles

    package init(config: ImageConfig, platform: Platform, files: any ImageFiles) {
        self.config = config.config
        self.platform = platform.normalized
        self.files = files
    }

    /// Findings in the order a runtime would stumble over them.
    package func findings() async throws -> [Diagnostic] {
        // What other systems do with paths, users and programs is not known here.
        guard platform.os == "linux" else { return command.isEmpty ? [Self.noCommand] : [] }
        var findings: [Diagnostic] = []
        let user = try await resolveUser(&findings)
        try await checkWorkingDirectory(&findings)
        guard let name = command.first, !name.isEmpty else {
            findings.append(Self.noCommand)
            return findings
        }
        let isShell = command.count >= 3 && command[1] == "-c" && (config.shell?.first ?? "/bin/sh") == name
        guard let file = try await find(name, isShell: isShell, user: user, &findings) else { return findings }
        let check = ExecutableCheck(
            files: files,
            platform: platform,
            environment: config.env,
            workingDirectory: workingDirectory,
            user: user
        )
        findings += try await check.findings(file, named: name)
        return findings
    }

    private var command: [String] { (config.entrypoint ?? []) + (config.cmd ?? []) }

    private static var noCommand: Diagnostic {
        CheckRule.noCommand.finding(
            .warning,
            "the image has neither ENTRYPOINT nor CMD: a container starts only when a command is given",
            remedy: "add CMD [\"program\"] to the Dockerfile, unless the image only carries files"
        )
    }

    // MARK: - User and working directory

    private func resolveUser(_ findings: inout [Diagnostic]) async throws -> StartUser {
        guard !config.user.isEmpty else { return StartUser(uid: 0, gid: 0) }
        let parts = config.user.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let passwd = AccountFile(try await files.text(of: "/etc/passwd"))
        let group = AccountFile(try await files.text(of: "/etc/group"))
        var user = StartUser(uid: 0, gid: 0)
        if let uid = UInt32(parts[0]) {
            let line = passwd.line { $0.id == uid }
            user = StartUser(uid: uid, gid: line?.group ?? 0, groups: group.groups(of: line?.name))
        } else if let line = passwd.line({ $0.name == parts[0] }) {
            user = StartUser(uid: line.id, gid: line.group ?? 0, groups: group.groups(of: line.name))
        } else if !parts[0].isEmpty, parts[0] != "root" {
            user.isKnown = false
            if passwd.isComplete { findings.append(notFound("user", parts[0], "passwd")) }
        }
        if parts.count == 2, !parts[1].isEmpty {
            if let gid = UInt32(parts[1]) ?? group.line({ $0.name == parts[1] })?.id {
                user.gid = gid
            } else {
                user.isKnown = false
                if group.isComplete { findings.append(notFound("group", parts[1], "group")) }
            }
        }
        return user
    }

    private func notFound(_ what: String, _ name: String, _ database: String) -> Diagnostic {
        CheckRule.userNotFound.finding(
            .error,
            "USER \(config.user): there is no \(what) \"\(name)\" in /etc/\(database) of the image",
            path: "/etc/\(database)",
            remedy: "use a numeric ID (USER 65532:65532), or a base or COPY that brings the \(what)"
        )
    }

    private func checkWorkingDirectory(_ findings: inout [Diagnostic]) async throws {
        let path = workingDirectory
        guard path != "/", let file = try await files.file(at: path), file.kind != .directory else { return }
        findings.append(
            CheckRule.workdirNotDirectory.finding(
                .error,
                "WORKDIR \(path) is not a directory",
                path: path,
                remedy: "choose another WORKDIR, or copy the file elsewhere"
            )
        )
    }

    private var workingDirectory: String {
        config.workingDir.hasPrefix("/") ? config.workingDir : "/" + config.workingDir
    }

    // MARK: - The command

    /// Resolves the first word as a runtime does: through PATH when it has no slash, else from WORKDIR.
    private func find(
        _ name: String,
        isShell: Bool,
        user: StartUser,
        _ findings: inout [Diagnostic]
    ) async throws -> ImageFile? {
        let candidates: [String]
        if name.contains("/") {
            candidates = [RuntimePath.absolute(name, from: workingDirectory)]
        } else {
            candidates = SearchPath(environment: config.env, workingDirectory: workingDirectory).directories
                .map { "\($0)/\(name)" }
        }
        var unusable: ImageFile?
        for candidate in candidates {
            guard let file = try await files.file(at: candidate) else { continue }
            if file.kind == .file, user.mayExecute(file) { return file }
            unusable = unusable ?? file
        }
        var finding = problem(name, candidates, unusable, isShell: isShell, user: user)
        for candidate in candidates where unusable == nil {
            let place = try await files.destination(of: candidate)
            if RuntimePath.isKernels(place) { return nil }
            if let volume = config.volumes.sorted().first(where: { RuntimePath.isInside(place, $0) }) {
                finding.severity = .warning
                finding.notes.append("VOLUME \(volume): it may be there when something is mounted")
            }
        }
        findings.append(finding)
        return nil
    }

    private func problem(
        _ name: String,
        _ candidates: [String],
        _ unusable: ImageFile?,
        isShell: Bool,
        user: StartUser
    ) -> Diagnostic {
        guard let unusable else {
            let places =
                name.contains("/")
                ? ""
                : " in PATH (\(SearchPath(environment: config.env, workingDirectory: workingDirectory).directories.joined(separator: ":")))"
            if isShell {
                return CheckRule.shellNotFound.finding(
                    .error,
                    "the command is in shell form, and the image has no \(name)",
                    path: name,
                    remedy: "write it in exec form, CMD [\"program\", \"argument\"], or use a base with a shell"
                )
            }
            return CheckRule.entrypointNotFound.finding(
                .error,
                "the command \"\(name)\" does not exist in the image\(places)",
                path: candidates.first ?? name,
                remedy: "check the destination of COPY and the path in ENTRYPOINT or CMD"
            )
        }
        if unusable.kind == .directory {
            return CheckRule.entrypointIsDirectory.finding(
                .error,
                "the command \"\(name)\" is a directory",
                path: unusable.path,
                remedy: "name the program in it"
            )
        }
        let who = user.uid == 0 ? "anyone" : "user \(user.uid):\(user.gid)"
        return CheckRule.entrypointNotExecutable.finding(
            .error,
            "the command \"\(name)\" is not executable for \(who) (mode 0\(String(unusable.mode & 0o7777, radix: 8)), owner \(unusable.uid):\(unusable.gid))",
            path: unusable.path,
            remedy: "COPY --chmod=755, or chmod +x the file in the context"
        )
    }
}
