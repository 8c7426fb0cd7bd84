import ImgChecks
import ImgOCI
import ImgReport
import Testing

@Suite struct ArchitectureCheckTests {
    private func finding(
        _ facts: ExecutableFacts,
        path: String = "/app",
        mode: UInt16 = 0o755,
        platform: Platform = StartCheckTests.amd64
    ) -> Diagnostic? {
        ArchitectureCheck(platform: platform).finding(.init(path: path, mode: mode, facts: facts, range: nil))
    }

    @Test func whatFitsIsSilent() {
        #expect(finding(.elf("amd64")) == nil)
        #expect(finding(.elf("amd64", .shared)) == nil)
        #expect(finding(.elf("arm64"), platform: Platform(os: "linux", architecture: "arm64", variant: "v8")) == nil)
        #expect(finding(ExecutableFacts(format: .pe(.init("amd64"), isLibrary: true))) == nil)
        #expect(finding(ExecutableFacts(format: .pe(.init("386"), isLibrary: false)), mode: 0o644) == nil)
        #expect(finding(.elf("arm64", .other)) == nil)
    }

    @Test func whatDoesNotFitIsAnError() throws {
        let found = try #require(finding(.elf("arm64")))
        #expect(found.severity == .error)
        #expect(found.rule == "wrong-architecture")
        #expect(found.message.contains("/app is built for arm64"))
        #expect(found.message.contains("linux/amd64"))
        #expect(finding(.elf("riscv64"))?.severity == .error)
        #expect(finding(ExecutableFacts(format: .machO([.init("arm64")])))?.severity == .error)
        #expect(finding(ExecutableFacts(format: .pe(.init("amd64"), isLibrary: false)))?.severity == .warning)
    }

    /// Packages that bring binaries for several processors name them in their paths.
    @Test(arguments: ["/app/prebuilds/linux-arm64/node.node", "/jre/aarch64/lib.so"])
    func labelledFilesAreOnlyMentioned(_ path: String) {
        #expect(finding(.elf("arm64", .shared), path: path)?.severity == .warning)
    }

    /// The name of one processor within the name of another is no label.
    @Test func armIsNotArm64() {
        #expect(finding(.elf("arm"), path: "/app/bin/arm64/run")?.severity == .error)
        #expect(finding(.elf("arm64"), path: "/charm/farm/app")?.severity == .error)
        #expect(finding(.elf("arm"), path: "/charm/app")?.severity == .error)
    }

    @Test func thirtyTwoBitsMayRun() {
        #expect(finding(.elf("386"))?.severity == .warning)
        #expect(finding(.elf("arm"), platform: Platform(os: "linux", architecture: "arm64"))?.severity == .warning)
    }

    /// Code for graphics processors, the kernel's machine and the like lies in images of every platform.
    @Test func processorsThatNoImageIsFor() {
        for name in ["machine 0xe0", "machine 0xbe", "machine 0xf7", "machine 0x53"] {
            #expect(finding(.elf(name, .shared)) == nil, "\(name)")
        }
        let odd = Platform(os: "linux", architecture: "sparc64")
        #expect(
            ArchitectureCheck(platform: odd).finding(.init(path: "/a", mode: 0o755, facts: .elf(), range: nil)) == nil
        )
    }

    /// What nobody may execute is data; a library need not be executable.
    @Test func filesThatAreNotExecuted() {
        #expect(finding(.elf("arm64"), mode: 0o644)?.severity == .warning)
        #expect(finding(.elf("arm64", .shared), mode: 0o644)?.severity == .error)
        for path in ["/opt/board/app.elf", "/usr/lib/firmware/dsp"] {
            #expect(finding(.elf("arm"), path: path)?.severity == .warning, "\(path)")
        }
    }

    /// `node_modules` of a Mac come with plug-ins for macOS.
    @Test func librariesForMacOS() {
        let facts = ExecutableFacts(format: .machO([.init("arm64")]))
        #expect(finding(facts, path: "/app/node_modules/fsevents/fsevents.node")?.severity == .warning)
        #expect(finding(facts, path: "/app/bin/tool")?.severity == .error)
    }

    @Test func systemsThatShareAProcessor() {
        #expect(finding(.elf("amd64p32"))?.severity == .warning)
    }
}
