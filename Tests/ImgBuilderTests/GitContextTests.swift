import ImgLayers
import ImgOCI
import ImgReport
import ImgTasks
import ImgTestKit
import ImgTree
import Testing

@testable import ImgBuilder

/// Contexts and sources in git repositories of strangers, and addresses with secrets.
@Suite("Git contexts") struct GitContextTests {
    private static let address = "https://user:geheim@git.invalid"

    /// A repository `r.git` that git finds under ``address``; `script` fills its work tree.
    private static func repository(
        _ script: String,
        _ body: (Scratch, [String: String]) async throws -> Void
    ) async throws {
        try await Scratch.with { scratch in
            let setup = """
                set -e
                export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a HOME=\(scratch.path)
                git init -q -b main w; cd w
                \(script)
                git add .; git commit -qm 1; cd ..; git clone -q --bare w r.git
                """
            try await Program.output("sh", ["-c", setup], in: scratch.path)
            var variables = ["PATH": Project.variable("PATH") ?? ""]
            variables["GIT_CONFIG_COUNT"] = "1"
            variables["GIT_CONFIG_KEY_0"] = "url.file://\(scratch.path)/.insteadOf"
            variables["GIT_CONFIG_VALUE_0"] = "\(address)/"
            variables["HOME"] = scratch.path
            try await body(scratch, variables)
        }
    }

    private static func open(
        _ fragment: String,
        _ scratch: Scratch,
        _ variables: [String: String]
    ) async throws -> MainContext {
        let pool = BlockingPool(threads: 1)
        let opener = ContextOpener(
            environment: BuilderEnvironment(
                variables: variables,
                homeDirectory: scratch.path,
                workingDirectory: scratch.path
            ),
            git: GitCommand(variables: variables),
            scratch: ScratchDirectories(parent: scratch.path, pool: pool),
            pool: pool
        )
        return try await opener.open(BuildRequest(context: .git("\(address)/r.git\(fragment)")))
    }

    @Test func aSubdirectoryDoesNotLeadOut() async throws {
        try await Self.repository("ln -s \"$HOME/home\" app; ln -s ../../home up; echo 1 > f") { scratch, variables in
            try scratch.write("home/Dockerfile", "FROM scratch\n")
            for name in ["app", "up", "missing", "f"] {
                let error = await #expect(throws: BuildError.self) {
                    _ = try await Self.open("#main:\(name)", scratch, variables)
                }
                #expect(error?.description.contains("\(name) is not a directory") == true)
                #expect(error?.description.contains("geheim") == false)
            }
        }
    }

    @Test func aSubdirectoryMayBeALinkInside() async throws {
        let script = "mkdir -p src/app; printf 'FROM scratch\\n' > src/app/Dockerfile; ln -s src/app app"
        try await Self.repository(script) { scratch, variables in
            let context = try await Self.open("#main:app", scratch, variables)
            #expect(context.dockerfile.bytes == Array("FROM scratch\n".utf8))
            #expect(try await context.tree.children(of: []).map(\.path) == [Array("Dockerfile".utf8)])
        }
    }

    @Test func theDockerfileDoesNotLeadOut() async throws {
        try await Self.repository("ln -s \"$HOME/secret\" Dockerfile") { scratch, variables in
            try scratch.write("secret", "FROM scratch\n")
            await #expect(throws: BuildError.self) { _ = try await Self.open("", scratch, variables) }
        }
    }

    @Test func secretsOfTheAddressAreNotPrinted() async throws {
        try await Self.repository("echo 1 > f") { scratch, variables in
            let error = await #expect(throws: BuildError.self) {
                _ = try await Self.open("#nosuch", scratch, variables)
            }
            #expect(error?.description.contains("https://***@git.invalid/r.git") == true)
            // Without the rule git says itself where it cannot go.
            var plain = variables
            plain["GIT_CONFIG_COUNT"] = "0"
            let unreachable = await #expect(throws: BuildError.self) { _ = try await Self.open("", scratch, plain) }
            let all = [error, unreachable].compactMap { $0 }.flatMap(\.diagnostics)
                .flatMap { [$0.message] + $0.notes + $0.hints }
            #expect(all.count >= 4)
            #expect(!all.contains { $0.contains("geheim") }, "\(all)")
        }
    }

    /// With `.git` kept they would become a part of the image.
    @Test func secretsOfTheAddressDoNotStayInTheCheckout() async throws {
        try await Self.repository("echo 1 > f") { scratch, variables in
            scratch.makeParents(of: "checkout/x")
            let git = GitCommand(variables: variables)
            _ = try await git.checkout("\(Self.address)/r.git", ref: nil, submodules: true, into: scratch["checkout"])
            #expect(try scratch.read("checkout/.git/config").contains("https://git.invalid/r.git"))
            let found = try await Program.run("grep", ["-r", "geheim", scratch["checkout"]])
            #expect(found.status == 1, "\(found)")
        }
    }

    @Test func onlyWebAddressesLoseTheirUser() {
        #expect(GitCommand.withoutUserInfo("https://a:b@h/r.git") == "https://h/r.git")
        #expect(GitCommand.withoutUserInfo("http://t@h:80/r@2.git") == "http://h:80/r@2.git")
        #expect(GitCommand.withoutUserInfo("https://h/r@2.git") == nil)
        #expect(GitCommand.withoutUserInfo("ssh://git@h/r.git") == nil)
        #expect(GitCommand.withoutUserInfo("git@h:r.git") == nil)
    }
}
