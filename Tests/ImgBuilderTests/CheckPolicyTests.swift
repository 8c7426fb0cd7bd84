import ImgOCI
import ImgPlan
import ImgReport
import ImgStream
import ImgTestKit
import Synchronization
import Testing

@testable import ImgBuilder
@testable import ImgChecks
@testable import ImgLayers

private let dockerfile = SourceFile(name: "Dockerfile", bytes: Array("FROM scratch\nCOPY app /\n".utf8))

@Suite("The same program for different processors") struct IdenticalExecutablesTests {
    private static func elf(_ print: String, _ machine: String = "amd64") -> ExecutableFacts {
        var facts = ExecutableFacts(format: .elf(machine: .init(machine), kind: .executable))
        facts.fingerprint = print
        return facts
    }

    private static let script = ExecutableFacts(
        format: .script(Shebang(interpreter: "/bin/sh", argument: nil, endsInCarriageReturn: false))
    )

    /// A platform whose one layer has this content and these files.
    private static func platform(
        _ text: String,
        _ content: String,
        _ files: [String: ExecutableFacts],
        line: Int = 2
    ) throws -> (platform: Platform, own: IdenticalExecutables.OwnLayers) {
        let digest = SHA256.digest(of: Array(content.utf8))
        let layer = BuiltLayer(
            descriptor: Descriptor(mediaType: .ociLayerGzip, digest: digest, size: 1),
            diffID: digest,
            wasCached: false,
            path: "/",
            notes: Dictionary(uniqueKeysWithValues: files.map { (Array($0.key.utf8), $0.value.encoded) })
        )
        let range = SourceRange(file: dockerfile, lines: line...line)
        let step = Step(range: range, action: .metadata, createdBy: "COPY app /")
        return (try Platform(parsing: text).normalized, [(layer, LayerSpec(), step)])
    }

    private static func findings(
        _ platforms: [(platform: Platform, own: IdenticalExecutables.OwnLayers)],
        comments: String = "",
        _ change: (inout BuildRequest) -> Void = { _ in }
    ) -> [Diagnostic] {
        var request = BuildRequest(context: .empty)
        change(&request)
        let file = SourceFile(name: "Dockerfile", bytes: Array((comments + "FROM scratch\n").utf8))
        return IdenticalExecutables(policy: ImageChecks(request: request, file: file).policy).findings(platforms)
    }

    @Test func oneWarningForSharedPrograms() throws {
        let files = ["b": Self.elf("1"), "a": Self.elf("2"), "s": Self.script]
        let found = Self.findings([
            try Self.platform("linux/amd64", "x", files), try Self.platform("linux/arm64", "x", files),
        ])
        #expect(found.count == 1)
        #expect(found.first?.severity == .warning)
        #expect(found.first?.rule == "identical-executables")
        #expect(found.first?.message == "/a and 1 more: the same program for linux/amd64, linux/arm64")
        #expect(found.first?.range?.startLine == 2)
    }

    /// Whatever else is in the layers, and wherever the program lies.
    @Test func layersMayDiffer() throws {
        let amd64 = try Self.platform("linux/amd64", "x", ["app": Self.elf("1"), "lib": Self.elf("2")])
        let arm64 = try Self.platform("linux/arm64", "y", ["tool": Self.elf("1"), "lib": Self.elf("3", "arm64")])
        #expect(
            Self.findings([amd64, arm64]).map(\.message) == ["/app: the same program for linux/amd64, linux/arm64"]
        )
        let fine = try Self.platform("linux/arm64", "y", ["app": Self.elf("3", "arm64")])
        #expect(Self.findings([amd64, fine]) == [])
    }

    @Test func onlyProgramsOfOneKnownProcessorCount() throws {
        for (facts, isFound) in [
            (ExecutableFacts(format: .machO([.init("arm64")])), true),
            (ExecutableFacts(format: .machO([.init("arm64"), .init("amd64")])), false),
            (ExecutableFacts(format: .pe(.init("amd64"), isLibrary: false)), true),
            (ExecutableFacts(format: .pe(.init("386"), isLibrary: false)), false),
            (ExecutableFacts(format: .pe(.init("amd64"), isLibrary: true)), false),
            (ExecutableFacts(format: .elf(machine: .init("amd64"), kind: .other)), false),
            (ExecutableFacts(format: .elf(machine: .init("machine 0xf7"), kind: .shared)), false),
        ] {
            var facts = facts
            facts.fingerprint = "1"
            let platforms = try ["linux/amd64", "linux/arm64"].map { try Self.platform($0, "x", ["app": facts]) }
            #expect(Self.findings(platforms).count == (isFound ? 1 : 0), "\(facts)")
        }
    }

    @Test func whatIsExceptedOrRunsAnywhereIsNotFound() throws {
        let program = ["a": Self.elf("1")]
        let amd64 = try Self.platform("linux/amd64", "x", program)
        let arm64 = try Self.platform("linux/arm64", "x", program)
        #expect(Self.findings([amd64]).isEmpty, "one platform")
        #expect(Self.findings([amd64, try Self.platform("linux/amd64/v3", "x", program)]).isEmpty, "same processor")
        let scripts = try ["linux/amd64", "linux/arm64"].map { try Self.platform($0, "x", ["s": Self.script]) }
        #expect(Self.findings(scripts).isEmpty, "scripts run anywhere")
        let labelled = try ["linux/amd64", "linux/arm64"]
            .map { try Self.platform($0, "x", ["prebuilds/linux-x64/a.node": Self.elf("1")]) }
        #expect(Self.findings(labelled).isEmpty, "says for which processor it is")
        #expect(Self.findings([amd64, arm64]) { $0.platformCheckExceptions = ["/a"] }.isEmpty, "excepted")
        #expect(Self.findings([amd64, arm64]) { $0.platformCheck = .off }.isEmpty, "switched off")
        let allow = "# imgbuild: platform-check-allow=/a\n"
        #expect(Self.findings([amd64, arm64], comments: allow).isEmpty, "excepted by a comment")
        let off = "# imgbuild: platform-check=off\n"
        #expect(Self.findings([amd64, arm64], comments: off).isEmpty, "switched off by a comment")
        #expect(Self.findings([amd64, arm64], comments: off) { $0.platformCheck = .warn }.count == 1)
        #expect(Self.findings([amd64, arm64]).count == 1)
    }
}

@Suite("What findings mean for the build") struct EnforcementTests {
    private static let located = Diagnostic(.error, "wrong", at: SourceRange(file: dockerfile, lines: 2...2))
    private static let start = Diagnostic(.error, "will not start")
    private static let remark = Diagnostic(.warning, "odd", at: SourceRange(file: dockerfile, lines: 2...2))

    private static let secret = Diagnostic(
        .error,
        "secret",
        rule: "secret-file",
        at: SourceRange(file: dockerfile, lines: 2...2)
    )

    /// Messages of the error, then of the warnings.
    private func outcome(
        _ findings: [Diagnostic],
        _ platformCheck: CheckLevel,
        _ startCheck: CheckLevel,
        _ secretCheck: CheckLevel? = nil,
        platforms: [String] = ["linux/arm64"]
    ) throws -> (errors: [String], warnings: [Diagnostic]) {
        var request = BuildRequest(context: .empty)
        request.platformCheck = platformCheck
        request.startCheck = startCheck
        request.secretCheck = secretCheck
        let recorder = RecordedEvents()
        do {
            let images = try platforms.map { (platform: try Platform(parsing: $0), findings: findings) }
            try ImageChecks(request: request, file: dockerfile).enforce(images, events: recorder)
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
    func levelsDecideWhatIsAnError(
        _ platform: CheckLevel,
        _ start: CheckLevel,
        _ errors: [String],
        _ warnings: [String]
    ) throws {
        let outcome = try outcome([Self.located, Self.start, Self.remark], platform, start)
        #expect(outcome.errors == errors)
        #expect(outcome.warnings.map(\.message) == warnings)
        #expect(outcome.warnings.allSatisfy { $0.severity == .warning && $0.notes == ["platform: linux/arm64"] })
    }

    /// Whatever the other checks are.
    @Test(arguments: [(CheckLevel?.none, false), (.warn, false), (.error, true)])
    func secretsHaveALevelOfTheirOwn(_ level: CheckLevel?, _ isError: Bool) throws {
        for other in [CheckLevel.error, .off] {
            let outcome = try outcome([Self.secret], other, other, level)
            #expect(outcome.errors == (isError ? ["secret"] : []))
            #expect(outcome.warnings.map(\.message) == (isError ? [] : ["secret"]))
        }
    }

    @Test func whatIsTheSameForSeveralPlatformsIsSaidOnce() throws {
        let platforms = ["linux/amd64", "linux/arm64"]
        let outcome = try outcome([Self.secret, Self.remark], .error, .warn, platforms: platforms)
        #expect(outcome.warnings.map(\.message) == ["secret", "odd"])
        #expect(outcome.warnings.allSatisfy { $0.notes == ["platform: linux/amd64, linux/arm64"] })
    }
}

@Suite("Secrets among the files of a layer") struct SecretFindingsTests {
    private static func findings(
        _ secrets: [String: CopiedSecret],
        comments: String = "",
        from: CopyOrigin = .context,
        keepsGitDirectory: Bool? = nil,
        _ change: (inout BuildRequest) -> Void = { _ in }
    ) throws -> [Diagnostic] {
        var request = BuildRequest(context: .empty)
        change(&request)
        let file = SourceFile(name: "Dockerfile", bytes: Array((comments + "FROM scratch\n").utf8))
        var copy = CopyStep(verb: .copy, sources: [.path(".")], from: from, destination: "/")
        copy.keepGitDir = keepsGitDirectory
        let range = SourceRange(file: dockerfile, lines: 2...2)
        return ImageChecks(request: request, file: file)
            .layerFindings(
                try Platform(parsing: "linux/amd64"),
                Dictionary(uniqueKeysWithValues: secrets.map { (Array($0.key.utf8), $0.value.encoded) }),
                LayerSpec(),
                Step(range: range, action: .copy(copy), createdBy: "COPY . /")
            )
    }

    private static let two = ["app/.env": CopiedSecret(.variables, "A"), "app/.git/HEAD": CopiedSecret(.repository)]

    @Test func eachWithItsPlace() throws {
        let found = try Self.findings(Self.two)
        #expect(found.map(\.rule) == ["secret-file", "git-directory"])
        #expect(found.map(\.notes) == [["path: /app/.env"], ["path: /app/.git"]])
        #expect(found.allSatisfy { $0.range?.startLine == 2 && $0.severity == .warning })
        #expect(try Self.findings(Self.two) { $0.secretCheck = .error }.map(\.severity) == [.error, .warning])
        #expect(found.allSatisfy { $0.hints[0].contains(".dockerignore") })
        #expect(try Self.findings(Self.two, from: .stage(0)).allSatisfy { $0.hints[0].contains("--exclude") })
    }

    @Test func whatIsAllowedIsSilent() throws {
        #expect(try Self.findings(Self.two) { $0.secretCheck = .off }.isEmpty)
        #expect(try Self.findings(Self.two, comments: "# imgbuild: secret-check=off\n").isEmpty)
        #expect(
            try Self.findings(Self.two, comments: "# imgbuild: secret-check=off\n") { $0.secretCheck = .warn }.count
                == 2
        )
        #expect(
            try Self.findings(Self.two) { $0.secretCheckExceptions = ["/app/.env"] }.map(\.rule) == ["git-directory"]
        )
        let comments = "# imgbuild: secret-check-allow=/app/.git\n# imgbuild: secret-check-allow=app/.e*\n"
        #expect(try Self.findings(Self.two, comments: comments).isEmpty)
        #expect(try Self.findings(Self.two, comments: "# imgbuild: platform-check-allow=/app/*\n").count == 2)
        #expect(try Self.findings(Self.two, keepsGitDirectory: true).map(\.rule) == ["secret-file"])
    }

    @Test func aDirectoryFullOfKeysIsOneMistake() throws {
        let keys = (0..<9).map { ("app/\($0).pem", CopiedSecret(.privateKey, "PRIVATE KEY")) }
        let found = try Self.findings(Dictionary(uniqueKeysWithValues: keys))
        #expect(found.count == 5)
        #expect(found.last?.notes.last == "and 4 more files of this instruction")
    }
}

@Suite("What the checks look at while a layer is made") struct InspectionCostTests {
    /// Bytes that were asked for, and whether something is remembered.
    private static func inspect(_ path: String, _ bytes: [UInt8]) throws -> (asked: Int, isNoted: Bool) {
        var header = TarHeader(path: Array(path.utf8), kind: .file)
        header.size = Int64(bytes.count)
        var position = 0
        let note = try CopyInspector()
            .inspect(header) { maximum throws(StreamError) in
                let end = min(position + maximum, bytes.count)
                defer { position = end }
                return Array(bytes[position..<end])
            }
        return (position, note != nil)
    }

    /// Counts do not depend on the machine, as times do (`docs/performance.md`).
    @Test func mostFilesAreDismissedByTheirFirstBytes() throws {
        let text = [UInt8](repeating: 0x61, count: 8 << 20)
        for path in ["srv/page.html", "etc/motd", "usr/lib/data"] {
            let (asked, isNoted) = try Self.inspect(path, text)
            #expect(asked <= 64, "\(path)")
            #expect(!isNoted)
        }
        let script = try Self.inspect("run", Array("#!/bin/sh\n".utf8) + text)
        #expect(script.asked <= 512 << 10)
        #expect(script.isNoted)
        let program = try Self.inspect("app", Self.program())
        #expect(program.asked <= 3 << 19)
        #expect(program.isNoted)
    }

    @Test func filesThatMayHoldASecretAreReadToALimit() throws {
        let text = [UInt8](repeating: 0x61, count: 8 << 20)
        for path in ["srv/.env", "srv/key.pem", "root/.docker/config.json"] {
            let (asked, isNoted) = try Self.inspect(path, text)
            #expect(asked <= 64 << 10, "\(path)")
            #expect(!isNoted)
        }
        #expect(try Self.inspect("srv/.env", Array("A_SECRET=correct-horse\n".utf8) + text).isNoted)
        #expect(try !Self.inspect("srv/tests/.env", Array("A_SECRET=correct-horse\n".utf8) + text).isNoted)
    }

    /// What is read in search of a secret is still there for the other inspection.
    @Test func programsAreRecognisedUnderAnyName() throws {
        let program = try Self.inspect("srv/.env", Self.program())
        #expect(program.isNoted)
        let script = try Self.inspect("srv/kubeconfig", Array("#!/bin/sh\ntrue\n".utf8))
        #expect(script.isNoted)
        let accounts = try Self.inspect("etc/passwd", Array("root:x:0:0::/:/bin/sh\n".utf8))
        #expect(accounts.isNoted)
    }

    /// A header, and zeros.
    private static func program() -> [UInt8] {
        var bytes: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 9)
        bytes += [3, 0, 62, 0, 1, 0, 0, 0]
        return bytes + [UInt8](repeating: 0, count: 8 << 20)
    }
}
