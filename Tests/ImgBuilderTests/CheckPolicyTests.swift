import ImgOCI
import ImgPlan
import ImgReport
import ImgStream
import Synchronization
import Testing

@testable import ImgBuilder
@testable import ImgChecks
@testable import ImgLayers

/// Keeps what is emitted.
final class Recorder: EventSink {
    private let events = Mutex<[BuildEvent]>([])

    func emit(_ event: BuildEvent) { events.withLock { $0.append(event) } }

    var warnings: [Diagnostic] {
        events.withLock { $0.compactMap { if case .warning(let diagnostic) = $0 { diagnostic } else { nil } } }
    }
}

private let dockerfile = SourceFile(name: "Dockerfile", bytes: Array("FROM scratch\nCOPY app /\n".utf8))

@Suite("The same program for different processors") struct IdenticalExecutablesTests {
    private static let elf = ExecutableFacts(format: .elf(machine: .init("amd64"), kind: .executable))
    private static let script = ExecutableFacts(
        format: .script(Shebang(interpreter: "/bin/sh", argument: nil, endsInCarriageReturn: false))
    )

    /// A platform whose one layer has this content and these files.
    private static func platform(
        _ text: String,
        _ content: String,
        _ files: [String: ExecutableFacts]
    ) throws -> (platform: Platform, own: IdenticalExecutables.OwnLayers) {
        let digest = SHA256.digest(of: Array(content.utf8))
        let layer = BuiltLayer(
            descriptor: Descriptor(mediaType: .ociLayerGzip, digest: digest, size: 1),
            diffID: digest,
            wasCached: false,
            path: "/",
            notes: Dictionary(uniqueKeysWithValues: files.map { (Array($0.key.utf8), $0.value.encoded) })
        )
        let step = Step(range: SourceRange(file: dockerfile, lines: 2...2), action: .metadata, createdBy: "COPY app /")
        return (try Platform(parsing: text).normalized, [(layer, LayerSpec(), step)])
    }

    private static func findings(
        _ platforms: [(platform: Platform, own: IdenticalExecutables.OwnLayers)],
        _ change: (inout BuildRequest) -> Void = { _ in }
    ) -> [Diagnostic] {
        var request = BuildRequest(context: .empty)
        change(&request)
        return IdenticalExecutables(request: request).findings(platforms)
    }

    @Test func oneWarningForSharedPrograms() throws {
        let files = ["b": Self.elf, "a": Self.elf, "s": Self.script]
        let found = Self.findings([
            try Self.platform("linux/amd64", "x", files), try Self.platform("linux/arm64", "x", files),
        ])
        #expect(found.count == 1)
        #expect(found.first?.severity == .warning)
        #expect(found.first?.rule == "identical-executables")
        #expect(found.first?.message == "/a and 1 more: the same program for linux/amd64, linux/arm64")
        #expect(found.first?.range?.startLine == 2)
    }

    @Test func nothingToSay() throws {
        let program = ["a": Self.elf]
        let amd64 = try Self.platform("linux/amd64", "x", program)
        let arm64 = try Self.platform("linux/arm64", "x", program)
        #expect(Self.findings([amd64]).isEmpty, "one platform")
        #expect(Self.findings([amd64, try Self.platform("linux/arm64", "y", program)]).isEmpty, "other content")
        #expect(Self.findings([amd64, try Self.platform("linux/amd64/v3", "x", program)]).isEmpty, "same processor")
        let scripts = try ["linux/amd64", "linux/arm64"].map { try Self.platform($0, "x", ["s": Self.script]) }
        #expect(Self.findings(scripts).isEmpty, "scripts run anywhere")
        #expect(Self.findings([amd64, arm64]) { $0.platformCheckExceptions = ["/a"] }.isEmpty, "excepted")
        #expect(Self.findings([amd64, arm64]) { $0.platformCheck = .off }.isEmpty, "switched off")
        #expect(Self.findings([amd64, arm64]).count == 1)
    }
}

@Suite("What findings mean for the build") struct EnforcementTests {
    private static let located = Diagnostic(.error, "wrong", at: SourceRange(file: dockerfile, lines: 2...2))
    private static let start = Diagnostic(.error, "will not start")
    private static let remark = Diagnostic(.warning, "odd", at: SourceRange(file: dockerfile, lines: 2...2))

    /// Messages of the error, then of the warnings.
    private func outcome(
        _ findings: [Diagnostic],
        _ platformCheck: CheckLevel,
        _ startCheck: CheckLevel
    ) throws -> (errors: [String], warnings: [Diagnostic]) {
        var request = BuildRequest(context: .empty)
        request.platformCheck = platformCheck
        request.startCheck = startCheck
        let recorder = Recorder()
        do {
            let platform = try Platform(parsing: "linux/arm64")
            let checks = ImageChecks(request: request, file: dockerfile)
            try checks.enforce([(platform, findings)], events: recorder)
        } catch let error as BuildError {
            return (error.diagnostics.map(\.message), recorder.warnings)
        }
        return ([], recorder.warnings)
    }

    @Test(arguments: [
        (CheckLevel.error, CheckLevel.warn, ["wrong"], ["will not start", "odd"]),
        (.error, .error, ["wrong", "will not start"], ["odd"]), (.warn, .warn, [], ["wrong", "will not start", "odd"]),
        (.warn, .error, ["will not start"], ["wrong", "odd"]),
    ])
    func levels(_ platform: CheckLevel, _ start: CheckLevel, _ errors: [String], _ warnings: [String]) throws {
        let outcome = try outcome([Self.located, Self.start, Self.remark], platform, start)
        #expect(outcome.errors == errors)
        #expect(outcome.warnings.map(\.message) == warnings)
        #expect(outcome.warnings.allSatisfy { $0.severity == .warning && $0.notes == ["platform: linux/arm64"] })
    }
}
