import ImgOCI
import ImgReport
import Testing

@testable import ImgChecks

/// Predictions for made-up images, one reason at a time.
@Suite struct StartCheckTests {
    static let amd64 = Platform(os: "linux", architecture: "amd64")

    static func rules(
        _ files: MemoryFiles,
        platform: Platform = amd64,
        _ edit: (inout ContainerConfig) -> Void
    ) async throws -> [String] {
        try await findings(files, platform: platform, edit).map { "\($0.severity.rawValue) \($0.rule ?? "")" }
    }

    static func findings(
        _ files: MemoryFiles,
        platform: Platform = amd64,
        _ edit: (inout ContainerConfig) -> Void
    ) async throws -> [Diagnostic] {
        var config = ImageConfig(platform: platform)
        edit(&config.config)
        return try await StartCheck(config: config, platform: platform, files: files).findings()
    }

    static var debian: MemoryFiles {
        var files = MemoryFiles()
        files.addDebian()
        files.add("/usr/bin/app", .elf(needed: ["libc.so.6"], interpreter: MemoryFiles.loader("amd64")))
        return files
    }

    @Test func soundImagesPass() async throws {
        for command in [["app"], ["/usr/bin/app"], ["/bin/sh", "-c", "app"], ["usr/bin/app"]] {
            #expect(try await Self.rules(Self.debian) { $0.cmd = command } == [])
            #expect(try await Self.rules(Self.debian) { $0.entrypoint = command } == [])
        }
        #expect(try await Self.rules(Self.debian) { ($0.entrypoint, $0.user) = (["app"], "1000:1000") } == [])
        #expect(try await Self.rules(Self.debian) { ($0.cmd, $0.workingDir) = (["bin/app"], "/usr") } == [])
    }

    @Test func commandsThatAreNotThere() async throws {
        #expect(try await Self.rules(Self.debian) { _ in } == ["warning no-command"])
        #expect(try await Self.rules(Self.debian) { $0.cmd = ["/app"] } == ["error entrypoint-not-found"])
        #expect(try await Self.rules(Self.debian) { $0.cmd = ["nothing"] } == ["error entrypoint-not-found"])
        #expect(
            try await Self.rules(Self.debian) { ($0.cmd, $0.env) = (["app"], ["PATH=/opt"]) }
                == ["error entrypoint-not-found"]
        )
        #expect(try await Self.rules(Self.debian) { $0.cmd = ["/usr/bin"] } == ["error entrypoint-is-directory"])
        #expect(
            try await Self.rules(MemoryFiles()) { $0.cmd = ["/bin/sh", "-c", "true"] } == ["error shell-not-found"]
        )
        #expect(
            try await Self.rules(MemoryFiles()) {
                ($0.cmd, $0.shell) = (["/bin/bash", "-c", "true"], ["/bin/bash", "-c"])
            }
                == ["error shell-not-found"]
        )
    }

    @Test(
        arguments: [
            (0o644, "", true), (0o100, "", false), (0o700, "1000", true), (0o750, "1000:50", false),
            (0o705, "1000:50", true), (0o744, "1000", true), (0o755, "1000", false), (0o070, "7", true),
        ] as [(UInt16, String, Bool)]
    )
    func permissionsAreTheKernels(_ mode: UInt16, _ user: String, _ fails: Bool) async throws {
        var files = Self.debian
        files.files["/usr/bin/app"]?.mode = mode
        files.files["/usr/bin/app"]?.gid = 50
        files.files["/usr/bin/app"]?.uid = 7
        let rules = try await Self.rules(files) { ($0.cmd, $0.user) = (["app"], user) }
        #expect(rules == (fails ? ["error entrypoint-not-executable"] : []))
    }

    @Test func usersAndGroups() async throws {
        var files = Self.debian
        files.texts["/etc/passwd"] = "root:x:0:0:root:/root:/bin/sh\nweb:x:33:33::/srv:/bin/false\n"
        files.texts["/etc/group"] = "root:x:0:\nweb:x:33:\nextra:x:50:games,web\n"
        for (user, fails) in [
            ("web", false), ("web:web", false), ("33:web", false), ("5", false), ("nobody", true), ("web:staff", true),
            ("5:staff", true), ("root", false),
        ] {
            let rules = try await Self.rules(files) { ($0.cmd, $0.user) = (["app"], user) }
            #expect(rules == (fails ? ["error user-not-found"] : []), "\(user)")
        }
    }

    /// Runtimes give a process the groups that list its user.
    @Test(arguments: [("web", false), ("33", false), ("games", false), ("7", true)])
    func membersOfTheFilesGroupMayExecute(_ user: String, _ fails: Bool) async throws {
        var files = Self.debian
        files.texts["/etc/passwd"] = "web:x:33:33::/srv:/bin/false\ngames:x:5:60::/:/bin/sh\n"
        files.texts["/etc/group"] = "extra:x:50:games,web\n"
        files.files["/usr/bin/app"]?.mode = 0o750
        files.files["/usr/bin/app"]?.gid = 50
        let rules = try await Self.rules(files) { ($0.cmd, $0.user) = (["app"], user) }
        #expect(rules == (fails ? ["error entrypoint-not-executable"] : []))
    }

    /// Accounts that are there but cannot be read say nothing.
    @Test func unknownAccounts() async throws {
        var files = Self.debian
        files.add("/etc/passwd", mode: 0o644, nil)
        files.add("/etc/group", mode: 0o644, nil)
        files.files["/usr/bin/app"]?.mode = 0o700
        for user in ["web", "web:staff", "5:staff"] {
            #expect(try await Self.rules(files) { ($0.cmd, $0.user) = (["app"], user) } == [], "\(user)")
        }
    }

    @Test func whatIsMountedIsNotMissed() async throws {
        var files = Self.debian
        files.links["/entry"] = "/data/run.sh"
        #expect(try await Self.rules(files) { $0.cmd = ["/proc/self/exe"] } == [])
        for command in ["/data/run.sh", "/entry"] {
            let rules = try await Self.rules(files) { ($0.cmd, $0.volumes) = ([command], ["/data/"]) }
            #expect(rules == ["warning entrypoint-not-found"])
            let other = try await Self.rules(files) { ($0.cmd, $0.volumes) = ([command], ["/dat"]) }
            #expect(other == ["error entrypoint-not-found"])
        }
        files.addScript("/descriptor", "#!/proc/self/fd/3\n")
        #expect(try await Self.rules(files) { $0.cmd = ["/descriptor"] } == [])
    }

    @Test func pathsFromTheWorkingDirectory() async throws {
        var files = Self.debian
        files.add("/srv/bin/tool", files.files["/usr/bin/app"]?.facts)
        files.addScript("/srv/run", "#!bin/tool\n")
        for command in ["tool", "bin/tool", "./bin/tool", "./run"] {
            let rules = try await Self.rules(files) {
                ($0.cmd, $0.workingDir, $0.env) = ([command], "/srv", ["PATH=bin:/bin"])
            }
            #expect(rules == [], "\(command)")
        }
    }

    /// Their paths, accounts and programs are others.
    @Test(arguments: ["windows/amd64", "wasip1/wasm", "freebsd/arm64"])
    func otherSystemsAreLeftAlone(_ platform: String) async throws {
        let platform = try Platform(parsing: platform)
        let files = MemoryFiles()
        #expect(try await Self.rules(files, platform: platform) { _ in } == ["warning no-command"])
        let rules = try await Self.rules(files, platform: platform) {
            ($0.cmd, $0.user, $0.workingDir) = (["cmd.exe", "/c", "app"], "ContainerUser", "C:\\app")
        }
        #expect(rules == [])
    }

    @Test func otherProcessorsThatAreNotKnown() async throws {
        var files = MemoryFiles()
        files.add("/app", .elf("machine 0x2b"))
        let platform = Platform(os: "linux", architecture: "sparc64")
        #expect(try await Self.rules(files, platform: platform) { $0.cmd = ["/app"] } == [])
        #expect(try await Self.rules(files) { $0.cmd = ["/app"] } == ["error wrong-architecture"])
        files.add("/app.wasm", nil)
        #expect(try await Self.rules(files) { $0.cmd = ["/app.wasm"] } == [])
    }

    @Test(
        arguments: [
            ("app", "app"), ("app -x", "app -x"), ("-S app -x", "app"), ("-S A=1 B=2 app", "app"),
            ("-S PATH=/x app", nil), ("-i app", nil),
            ("-u NAME app", nil), ("-S -u NAME app", nil), ("A=1", nil), ("-S ${APP} x", nil), ("-S", nil), ("", nil),
        ] as [(String, String?)]
    )
    func programsOfEnv(_ argument: String, _ program: String?) {
        #expect(EnvironmentCommand(argument).program == program)
    }

    @Test func workingDirectoryIsAFile() async throws {
        let rules = try await Self.rules(Self.debian) { ($0.cmd, $0.workingDir) = (["app"], "/usr/bin/app") }
        #expect(rules == ["error workdir-not-directory"])
    }

    @Test func scripts() async throws {
        var files = Self.debian
        files.addScript("/ok", "#!/bin/sh\n")
        files.addScript("/env", "#!/usr/bin/env app\n")
        files.addScript("/python", "#!/usr/bin/env python3\n")
        files.addScript("/split", "#!/usr/bin/env -S A=1 app -x\n")
        files.addScript("/bash", "#!/bin/bash\n")
        files.addScript("/windows", "#!/bin/sh\r\n")
        files.addScript("/perl", "#!/bin/perl -w\r\n")
        files.addScript("/naked", "echo hello\n")
        files.addScript("/empty", "")
        files.add("/usr/bin/env", .elf(needed: ["libc.so.6"], interpreter: MemoryFiles.loader("amd64")))
        for (path, rule) in [
            ("/ok", nil), ("/env", nil), ("/split", nil), ("/python", "error shebang-interpreter-not-found"),
            ("/bash", "error shebang-interpreter-not-found"), ("/windows", "error shebang-crlf"),
            ("/perl", "warning shebang-crlf"), ("/naked", "error exec-format"), ("/empty", "error exec-format"),
        ] {
            #expect(try await Self.rules(files) { $0.cmd = [path] } == [rule].compactMap(\.self), "\(path)")
        }
    }

    @Test func binariesForOthers() async throws {
        for (facts, rules) in [
            (ExecutableFacts.elf("arm64"), ["error wrong-architecture"]), (.elf("386"), ["warning wrong-architecture"]),
            (ExecutableFacts(format: .machO([.init("arm64")])), ["error wrong-architecture"]),
            (ExecutableFacts(format: .pe(.init("amd64"), isLibrary: false)), ["error wrong-architecture"]),
        ] {
            var files = MemoryFiles()
            files.add("/app", facts)
            #expect(try await Self.rules(files) { $0.cmd = ["/app"] } == rules)
        }
    }

    @Test func loaderIsMissing() async throws {
        var files = MemoryFiles()
        files.add("/app", .elf(interpreter: "/lib64/ld-linux-x86-64.so.2"))
        #expect(try await Self.rules(files) { $0.cmd = ["/app"] } == ["error interpreter-not-found"])
        files.add("/lib/ld-musl-x86_64.so.1", .elf("amd64", .shared))
        let finding = try #require(try await Self.findings(files) { $0.cmd = ["/app"] }.first)
        #expect(finding.hints.joined().contains("Alpine"))
    }
}
