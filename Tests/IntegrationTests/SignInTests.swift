import ImgTestKit
import Testing

/// Accounts with passwords at docker-registry: `login`, a push, `logout`.
@Suite struct SignInTests {
    private static let password = "s3cret:word"
    private static let encoded = Base64Text.encode(Array("me:\(password)".utf8))

    private static func with(_ body: @Sendable @escaping (Lab) async throws -> Void) async throws {
        let accounts: @Sendable (Scratch) async throws -> String = {
            try await TestRegistry.accounts(in: $0, ["me": password])
        }
        try await Lab.with(configuration: accounts, body)
    }

    private static func login(_ lab: Lab, _ password: String) async throws -> ProgramResult {
        try await lab.imgbuild(
            ["login", lab.registry.host, "-u", "me", "--password-stdin"],
            environment: path(lab),
            input: password + "\n"
        )
    }

    private static func push(_ lab: Lab) async throws -> ProgramResult {
        try await lab.imgbuild(
            ["-D", "--platform", "linux/amd64", "-t", lab.reference("team/app:1"), "--push", try lab.context()],
            environment: path(lab)
        )
    }

    /// PATH with helpers of the test, and none of this machine.
    private static func path(_ lab: Lab) -> [String: String] { ["PATH": "\(lab.scratch["bin"]):/usr/bin:/bin"] }

    private static func hasSecret(_ result: ProgramResult) -> Bool {
        [password, encoded, "guess"].contains { result.output.contains($0) || result.errors.contains($0) }
    }

    @Test func passwordIsKeptUntilLogout() async throws {
        try await Self.with { lab in
            let stranger = try await Self.push(lab)
            #expect(stranger.status == 3, "\(stranger)")
            #expect(stranger.errors.contains("imgbuild login \(lab.registry.host)"), "\(stranger)")

            let login = try await Self.login(lab, Self.password)
            #expect(login.status == 0, "\(login)")
            #expect(login.errors.contains("unencrypted"), "\(login)")
            let modes = try await Program.output(
                "stat",
                ["-c", "%a", lab.scratch["docker"], lab.scratch["docker/config.json"]]
            )
            #expect(modes == "700\n600\n")

            let push = try await Self.push(lab)
            #expect(push.status == 0, "\(push)")
            #expect(!Self.hasSecret(login) && !Self.hasSecret(push), "\(push)")

            let logout = try await lab.imgbuild(["logout", lab.registry.host])
            #expect(logout.status == 0, "\(logout)")
            #expect(!(try lab.scratch.read("docker/config.json")).contains(Self.encoded))
            let refused = try await Self.push(lab)
            #expect(refused.status == 3, "\(refused)")
            #expect(refused.errors.contains("imgbuild login \(lab.registry.host)"), "\(refused)")
            let again = try await lab.imgbuild(["logout", lab.registry.host])
            #expect(again.status == 0)
            #expect(again.output == "Not logged in to \(lab.registry.host)\n")
        }
    }

    @Test func wrongPasswordIsNotKept() async throws {
        try await Self.with { lab in
            let login = try await Self.login(lab, "guess")
            #expect(login.status == 3, "\(login)")
            #expect(login.errors.contains("nothing was stored"), "\(login)")
            #expect(!Self.hasSecret(login), "\(login)")
            #expect(try await Program.run("ls", [lab.scratch["docker"]]).status != 0)
        }
    }

    @Test func storedPasswordThatNoLongerHoldsIsNamed() async throws {
        try await Self.with { lab in
            let wrong = Base64Text.encode(Array("me:wrong".utf8))
            try lab.scratch.write(
                "docker/config.json",
                "{\"auths\":{\"\(lab.registry.host)\":{\"auth\":\"\(wrong)\"}}}"
            )
            let push = try await Self.push(lab)
            #expect(push.status == 3, "\(push)")
            let place = lab.scratch["docker/config.json"]
            #expect(push.errors.contains("rejected the credentials of me from \(place)"), "\(push)")
            #expect(push.errors.contains("log in again: imgbuild login \(lab.registry.host)"), "\(push)")
            #expect(!push.errors.contains(wrong), "\(push)")
        }
    }

    // MARK: Helpers

    /// A credential helper that keeps one secret in a file, and notes what it was asked for.
    private static let helper = """
        #!/bin/sh
        echo "$1" >>"${0%/*}/asked"
        kept=${0%/*}/kept
        input=$(cat)
        case $1 in
        store) printf %s "$input" >"$kept" ;;
        get)
            if [ -f "$kept" ] && grep -qF "\\"$input\\"" "$kept"; then
                cat "$kept"
            else
                echo 'credentials not found in native keychain'
                exit 1
            fi
            ;;
        erase) rm -f "$kept" ;;
        esac
        """

    private static func install(_ lab: Lab, _ script: String) throws {
        try lab.scratch.write("bin/docker-credential-test", script, mode: 0o755)
        try lab.scratch.write("docker/config.json", "{\"credsStore\":\"test\"}")
    }

    @Test func helperKeepsThePassword() async throws {
        try await Self.with { lab in
            try Self.install(lab, Self.helper)
            let login = try await Self.login(lab, Self.password)
            #expect(login.status == 0, "\(login)")
            #expect(login.output.contains("docker-credential-test"), "\(login)")
            #expect(!login.errors.contains("unencrypted"), "\(login)")
            let configuration = try lab.scratch.read("docker/config.json")
            #expect(configuration.contains("\"\(lab.registry.host)\": {}"), "\(configuration)")
            #expect(try lab.scratch.read("bin/kept").contains(Self.password))

            let push = try await Self.push(lab)
            #expect(push.status == 0, "\(push)")
            #expect(!Self.hasSecret(push), "\(push)")
            let logout = try await lab.imgbuild(["logout", lab.registry.host], environment: Self.path(lab))
            #expect(logout.output.contains("from docker-credential-test"), "\(logout)")
            #expect(try lab.scratch.read("bin/asked").contains("erase"))
            let refused = try await Self.push(lab)
            #expect(refused.status == 3, "\(refused)")
        }
    }
}
