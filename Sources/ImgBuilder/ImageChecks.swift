import ImgChecks
import ImgDockerfile
import ImgLayers
import ImgOCI
import ImgPlan
import ImgReport
import ImgStream
import ImgTree

/// The static checks of one platform's image (`docs/checks.md`).
struct ImageChecks: Sendable {
    let request: BuildRequest
    let platform: Platform

    /// Findings in the order of their gravity for a start.
    ///
    /// Whether it will start is predicted only when it costs no download: when every layer's index is at hand already.
    func findings(
        config: ImageConfig,
        tree: StageTree,
        own: [(layer: BuiltLayer, spec: LayerSpec, step: Step)]
    ) async throws -> [Diagnostic] {
        var findings = architectureFindings(own)
        let notes = own.reduce(into: [[UInt8]: [UInt8]]()) { $0.merge($1.layer.notes) { _, later in later } }
        if request.startCheck != .off, tree.tree.isLoaded {
            let files = StageFiles(tree: tree, notes: notes)
            findings += try await StartCheck(config: config, platform: platform, files: files).findings()
        }
        return findings
    }

    private func architectureFindings(_ own: [(layer: BuiltLayer, spec: LayerSpec, step: Step)]) -> [Diagnostic] {
        guard request.platformCheck != .off else { return [] }
        let check = ArchitectureCheck(platform: platform)
        return own.flatMap { layer, spec, step -> [Diagnostic] in
            if layer.notes.isEmpty { return [] }
            let modes = Dictionary(spec.entries.map { ($0.header.path, $0.header.mode) }) { first, _ in first }
            return
                layer.notes.sorted { $0.key.lexicographicallyPrecedes($1.key) }
                .compactMap { path, note -> Diagnostic? in
                    let name = "/" + String(decoding: path, as: UTF8.self)
                    guard let facts = ExecutableFacts(decoding: note), !isExcepted(path) else { return nil }
                    return check.finding(.init(path: name, mode: modes[path] ?? 0o755, facts: facts, range: step.range))
                }
        }
    }

    private func isExcepted(_ path: [UInt8]) -> Bool { request.exceptsFromPlatformCheck(path) }

    /// Errors stop the build before anything is published, unless they are only to be warned of.
    static func enforce(
        _ findings: [(platform: Platform, findings: [Diagnostic])],
        request: BuildRequest,
        events: any EventSink
    ) throws(BuildError) {
        var errors: [Diagnostic] = []
        for (platform, found) in findings {
            for finding in found {
                var shown = finding
                shown.notes.insert("platform: \(platform)", at: 0)
                // The architecture check knows the instruction that copied the file; the start check knows none.
                let level = finding.range == nil ? request.startCheck : request.platformCheck
                if finding.severity == .error, level == .error {
                    errors.append(shown)
                } else {
                    if shown.severity == .error { shown.severity = .warning }
                    events.emit(.warning(shown))
                }
            }
        }
        guard errors.isEmpty else { throw BuildError(diagnostics: errors) }
    }
}

extension BuildRequest {
    /// Whether the user has said that a file may be for another processor.
    func exceptsFromPlatformCheck(_ path: [UInt8]) -> Bool {
        platformCheckExceptions.contains { pattern in
            let glob = pattern.hasPrefix("/") ? String(pattern.dropFirst()) : pattern
            return (try? PathMatch.match(pattern: Array(glob.utf8), name: path)) == true
        }
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
