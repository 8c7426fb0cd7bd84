import ArgumentParser
import ImgTestKit
import Testing

@testable import ImgCLI

@Suite("Documentation") struct DocumentationTests {
    /// `docs/build.md` says of itself that it has them all.
    @Test func everyFlagOfABuildIsDescribed() async throws {
        let help = BuildCommand.helpMessage(includeHidden: true, columns: 200)
        let flags = Set(help.matches(of: /--[a-z][a-z-]*/).map { String($0.output) })
        #expect(flags.count > 50)
        let text = try await Program.output("cat", ["docs/build.md"], in: Project.root)
        let described = Set(text.matches(of: /--[a-z][a-z-]*/).map { String($0.output) })
        #expect(flags.subtracting(described).subtracting(["--version", "--help"]) == [])
    }
}
