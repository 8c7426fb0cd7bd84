import ImgChecks
import ImgCredentials
import ImgDockerfile
import ImgLayers
import ImgOCI
import ImgPlan
import ImgReport
import ImgStream

/// The static checks of a build (`docs/checks.md`).
struct ImageChecks: Sendable {
    /// A layer made by this build.
    typealias OwnLayer = (layer: BuiltLayer, spec: LayerSpec, step: Step)

    let policy: CheckPolicy
    private let request: BuildRequest
    private let directives: CheckDirectives
    private let cause: ArchitectureCause

    /// - Parameter file: The Dockerfile, whose comments may configure the checks; the command line wins.
    init(request: BuildRequest, file: SourceFile) {
        self.request = request
        let (dockerfile, _) = Dockerfile.parse(file)
        directives = CheckDirectives(dockerfile)
        policy = CheckPolicy(request: request, directives: directives)
        cause = ArchitectureCause(dockerfile: dockerfile, buildArguments: request.buildArguments)
    }

    // MARK: - Copied files

    /// Findings of one instruction that are shown one by one.
    private static let shownFindings = 5

    /// Whether the files of a layer can run on a platform, and what they give away.
    ///
    /// - Parameter notes: What the inspector said about files, by path.
    func layerFindings(
        _ platform: Platform,
        _ notes: [[UInt8]: [UInt8]],
        _ spec: LayerSpec,
        _ step: Step
    ) -> [Diagnostic] {
        architectureFindings(platform, notes, spec, step) + secretFindings(notes, step)
    }

    private func architectureFindings(
        _ platform: Platform,
        _ notes: [[UInt8]: [UInt8]],
        _ spec: LayerSpec,
        _ step: Step
    ) -> [Diagnostic] {
        guard policy.platformCheck != .off, !notes.isEmpty else { return [] }
        let check = ArchitectureCheck(platform: platform)
        // Most files are what they should be, which is seen by their format alone.
        let suspects = notes.compactMap { path, note -> (path: [UInt8], facts: ExecutableFacts)? in
            guard let format = ExecutableFacts.format(decoding: note), check.isSuspect(format),
                !policy.platformExceptions.contain(path)
            else { return nil }
            return ExecutableFacts(decoding: note).map { (path, $0) }
        }
        guard !suspects.isEmpty else { return [] }
        let modes = Dictionary(spec.entries.map { ($0.header.path, $0.header.mode) }) { first, _ in first }
        let found = suspects.sorted { $0.path.lexicographicallyPrecedes($1.path) }
            .compactMap { path, facts -> Diagnostic? in
                var file = ArchitectureCheck.CopiedFile(
                    path: "/" + String(decoding: path, as: UTF8.self),
                    mode: modes[path] ?? 0o755,
                    facts: facts,
                    range: step.range
                )
                if case .elf(let machine, _) = facts.format {
                    file.cause = cause.likely(of: step.range, found: machine.name)
                }
                return check.finding(file)
            }
        return Self.shortened(found)
    }

    private func secretFindings(_ notes: [[UInt8]: [UInt8]], _ step: Step) -> [Diagnostic] {
        guard policy.secretCheck != .off, case .copy(let copy) = step.action else { return [] }
        let isIgnorable =
            switch copy.from {
            case .context, .named: true
            case .stage, .image: false
            }
        let secrets = notes.compactMap { path, note in
            CopiedSecret(decoding: note).map { (secret: $0, subject: SecretCheck.subject($0, at: path)) }
        }
        // Who asks for the history of a repository knows that it is there.
        let found = secrets.filter { $0.secret.kind != .repository || copy.keepGitDir != true }
            .filter { !policy.secretExceptions.contain($0.subject) }
            .sorted { $0.subject.lexicographicallyPrecedes($1.subject) }
            .map { secret, subject in
                SecretCheck.finding(
                    secret,
                    subject: subject,
                    severity: policy.secretCheck == .error ? .error : .warning,
                    isIgnorable: isIgnorable,
                    at: step.range
                )
            }
        let files = found.filter { $0.rule == CheckRule.secretFile.rawValue }
        return Self.shortened(files) + Self.shortened(found.filter { !files.contains($0) })
    }

    /// A directory full of wrong files is one mistake: the gravest few stand for all.
    private static func shortened(_ findings: [Diagnostic]) -> [Diagnostic] {
        guard findings.count > shownFindings else { return findings }
        let errors = findings.filter { $0.severity == .error }
        var shown = (errors + findings.filter { $0.severity != .error }).prefix(shownFindings)
        shown[shown.count - 1].notes.append("and \(findings.count - shownFindings) more files of this instruction")
        return Array(shown)
    }

    // MARK: - Start

    /// Whether an image will start, predicted only when it costs no download: when every layer's index is at hand already.
    ///
    /// - Parameter known: What is wrong with a copied file has been said already, with the line that copied it.
    func startFindings(
        platform: Platform,
        config: ImageConfig,
        files: StageFiles,
        known: [Diagnostic]
    ) async throws -> [Diagnostic] {
        guard policy.startCheck != .off, files.isAtHand else { return [] }
        let rule = CheckRule.wrongArchitecture.rawValue
        let said = Set(known.flatMap { $0.rule == rule ? $0.notes : [] })
        return try await StartCheck(config: config, platform: platform, files: files).findings()
            .filter { $0.rule != rule || said.isDisjoint(with: $0.notes) }
    }

    // MARK: - Consequences

    /// Whether findings about a layer's files are sure to stop the build.
    func rejects(_ findings: [Diagnostic]) -> Bool {
        findings.contains { $0.severity == .error && policy.level($0) == .error }
    }

    /// What a consumer refuses stops the build: it was asked for by name.
    func enforce(consumers findings: [Diagnostic], events: any EventSink) throws(BuildError) {
        for finding in findings where finding.severity != .error { events.emit(.warning(finding)) }
        let errors = findings.filter { $0.severity == .error }
        guard errors.isEmpty else { throw BuildError(diagnostics: errors) }
    }

    /// Errors stop the build before anything is published, unless they are only to be warned of.
    func enforce(_ images: [(platform: Platform, findings: [Diagnostic])], events: any EventSink) throws(BuildError) {
        for diagnostic in directives.diagnostics { events.emit(.warning(diagnostic)) }
        var errors: [Diagnostic] = []
        for (finding, platforms) in Self.merged(images) {
            var shown = finding
            shown.notes.insert("platform: \(platforms.map(\.description).joined(separator: ", "))", at: 0)
            if finding.severity == .error, policy.level(finding) == .error {
                errors.append(shown)
            } else {
                if shown.severity == .error { shown.severity = .warning }
                events.emit(.warning(shown))
            }
        }
        guard errors.isEmpty else { throw BuildError(diagnostics: errors) }
        if policy.platformCheck != .off, let notice = defaultPlatformNotice(images.map(\.platform)) {
            events.emit(.warning(notice))
        }
    }

    /// Each finding once, with the platforms that it is about.
    private static func merged(
        _ images: [(platform: Platform, findings: [Diagnostic])]
    ) -> [(finding: Diagnostic, platforms: [Platform])] {
        var merged: [(finding: Diagnostic, platforms: [Platform])] = []
        for (platform, findings) in images {
            for finding in findings {
                if let known = merged.firstIndex(where: { $0.finding == finding }) {
                    merged[known].platforms.append(platform)
                } else {
                    merged.append((finding, [platform]))
                }
            }
        }
        return merged
    }

    /// One platform other than linux/amd64 on its way to where linux/amd64 is what runs unless told otherwise (RUN-1).
    private func defaultPlatformNotice(_ platforms: [Platform]) -> Diagnostic? {
        var targets = request.outputs.contains(.registry) ? request.tags : []
        for case .registryByDigest(let reference) in request.outputs { targets.append(reference) }
        guard platforms.count == 1, let platform = platforms.first, platform.os == "linux",
            platform.architecture != "amd64",
            let target = targets.first(where: { ECRRegistry(host: $0.domain) != nil })
        else { return nil }
        return CheckRule.defaultPlatformMissing.finding(
            .warning,
            "\(target) gets \(platform) only; Amazon ECS, Fargate, App Runner and Lambda run linux/amd64 unless told otherwise",
            remedy:
                "build with --platform linux/amd64,\(platform), or set runtimePlatform.cpuArchitecture (Lambda: architectures) to \(platform.architecture.uppercased())"
        )
    }
}
