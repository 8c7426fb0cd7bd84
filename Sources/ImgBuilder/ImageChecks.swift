import ImgChecks
import ImgCredentials
import ImgDockerfile
import ImgLayers
import ImgOCI
import ImgPlan
import ImgReport
import ImgStream
import ImgTree

/// The static checks of a build (`docs/checks.md`).
struct ImageChecks: Sendable {
    /// A layer made by this build.
    typealias OwnLayer = (layer: BuiltLayer, spec: LayerSpec, step: Step)

    private let request: BuildRequest
    private let dockerfile: Dockerfile
    private let directives: CheckDirectives

    /// - Parameter file: The Dockerfile, whose comments may configure the checks; the command line wins.
    init(request: BuildRequest, file: SourceFile) {
        self.request = request
        (dockerfile, _) = Dockerfile.parse(file)
        directives = CheckDirectives(dockerfile)
    }

    private var platformCheck: CheckLevel { request.platformCheck ?? directives.platformCheck ?? .error }
    private var startCheck: CheckLevel { request.startCheck ?? directives.startCheck ?? .warn }

    /// Findings for one platform in the order of their gravity for a start.
    ///
    /// Whether it will start is predicted only when it costs no download: when every layer's index is at hand already.
    func findings(
        platform: Platform,
        config: ImageConfig,
        tree: StageTree,
        own: [OwnLayer]
    ) async throws -> [Diagnostic] {
        var findings = architectureFindings(platform, own)
        let notes = own.reduce(into: [[UInt8]: [UInt8]]()) { notes, layer in
            for entry in layer.spec.entries { notes[entry.header.path] = layer.layer.notes[entry.header.path] }
        }
        if startCheck != .off, tree.tree.isLoaded {
            let known = Set(findings.flatMap { ($0.rule == CheckRule.wrongArchitecture.rawValue ? $0.notes : []) })
            let files = StageFiles(tree: tree, notes: notes)
            // What is wrong with a copied file has been said already, with the line that copied it.
            findings += try await StartCheck(config: config, platform: platform, files: files).findings()
                .filter {
                    $0.rule != CheckRule.wrongArchitecture.rawValue || known.isDisjoint(with: $0.notes)
                }
        }
        return findings
    }

    // MARK: - Architecture

    /// Findings of one instruction that are shown one by one.
    private static let shownFindings = 5

    private func architectureFindings(_ platform: Platform, _ own: [OwnLayer]) -> [Diagnostic] {
        guard platformCheck != .off else { return [] }
        let check = ArchitectureCheck(platform: platform)
        let cause = ArchitectureCause(dockerfile: dockerfile, buildArguments: request.buildArguments)
        let exceptions = request.platformCheckExceptions + directives.allowed
        return own.flatMap { layer, spec, step -> [Diagnostic] in
            if layer.notes.isEmpty { return [] }
            let modes = Dictionary(spec.entries.map { ($0.header.path, $0.header.mode) }) { first, _ in first }
            let found = layer.notes.sorted { $0.key.lexicographicallyPrecedes($1.key) }
                .compactMap { path, note -> Diagnostic? in
                    guard let facts = ExecutableFacts(decoding: note), !Self.isExcepted(path, exceptions) else {
                        return nil
                    }
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
    }

    /// A directory full of wrong files is one mistake: the gravest few stand for all.
    private static func shortened(_ findings: [Diagnostic]) -> [Diagnostic] {
        guard findings.count > shownFindings else { return findings }
        let errors = findings.filter { $0.severity == .error }
        var shown = (errors + findings.filter { $0.severity != .error }).prefix(shownFindings)
        shown[shown.count - 1].notes.append("and \(findings.count - shownFindings) more files of this instruction")
        return Array(shown)
    }

    /// Whether the user has said that a file may be for another processor.
    static func isExcepted(_ path: [UInt8], _ exceptions: [String]) -> Bool {
        exceptions.contains { pattern in
            let glob = pattern.hasPrefix("/") ? String(pattern.dropFirst()) : pattern
            return (try? PathMatch.match(pattern: Array(glob.utf8), name: path)) == true
        }
    }

    // MARK: - Consequences

    /// Errors stop the build before anything is published, unless they are only to be warned of.
    func enforce(_ images: [(platform: Platform, findings: [Diagnostic])], events: any EventSink) throws(BuildError) {
        for diagnostic in directives.diagnostics { events.emit(.warning(diagnostic)) }
        var errors: [Diagnostic] = []
        for (platform, found) in images {
            for finding in found {
                var shown = finding
                shown.notes.insert("platform: \(platform)", at: 0)
                // The architecture check knows the instruction that copied the file; the start check knows none.
                let level = finding.range == nil ? startCheck : platformCheck
                if finding.severity == .error, level == .error {
                    errors.append(shown)
                } else {
                    if shown.severity == .error { shown.severity = .warning }
                    events.emit(.warning(shown))
                }
            }
        }
        guard errors.isEmpty else { throw BuildError(diagnostics: errors) }
        if platformCheck != .off, let notice = defaultPlatformNotice(images.map(\.platform)) {
            events.emit(.warning(notice))
        }
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

/// A stage's files as the checks ask for them.
struct StageFiles: ImageFiles {
    let tree: StageTree
    /// Of the layers built here; those of base layers stand in their indexes.
    let notes: [[UInt8]: [UInt8]]

    func file(at path: String) async throws -> ImageFile? {
        let resolution = try await tree.resolve(TreePath.relative(Array(path.utf8)))
        guard let entry = resolution.entry, resolution.outcome == .found else { return nil }
        let note = entry.note ?? notes[entry.path]
        return ImageFile(
            path: "/" + String(decoding: resolution.path, as: UTF8.self),
            kind: entry.isDirectory ? .directory : entry.kind == .file ? .file : .other,
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            size: entry.size,
            facts: note.flatMap(ExecutableFacts.init(decoding:))
        )
    }

    func names(in directory: String) async throws -> [String] {
        let resolution = try await tree.resolve(TreePath.relative(Array(directory.utf8)))
        guard resolution.entry?.isDirectory == true else { return [] }
        return try await tree.children(of: resolution.path)
            .map { String(decoding: TreePath.name($0.path), as: UTF8.self) }
    }

    func user(named name: String) async throws -> (uid: UInt32, gid: UInt32)? {
        guard let content = try await tree.accountFile("etc/passwd"),
            let account = Accounts.user(named: name, inPasswd: content)
        else { return nil }
        return (account.uid, account.gid)
    }

    func primaryGroup(of uid: UInt32) async throws -> UInt32? {
        guard let content = try await tree.accountFile("etc/passwd") else { return nil }
        for line in content.split(separator: 0x0a) {
            let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            guard fields.count >= 4, UInt32(String(decoding: fields[2], as: UTF8.self)) == uid else { continue }
            return UInt32(String(decoding: fields[3], as: UTF8.self))
        }
        return nil
    }

    func group(named name: String) async throws -> UInt32? {
        guard let content = try await tree.accountFile("etc/group") else { return nil }
        return Accounts.group(named: name, inGroup: content)
    }

    func text(of path: String) async throws -> String? {
        let resolution = try await tree.resolve(TreePath.relative(Array(path.utf8)))
        guard let entry = resolution.entry, entry.kind == .file else { return nil }
        return (entry.note ?? notes[entry.path]).map { String(decoding: $0, as: UTF8.self) }
    }
}
