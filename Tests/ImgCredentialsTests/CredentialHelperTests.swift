import ImgReport
import ImgTestKit
import Testing

@testable import ImgCredentials

/// Helpers played by shell scripts, run as real processes.
@Suite struct CredentialHelperTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
    }

    private func helper(_ script: String, limit: Duration = .seconds(30)) throws -> CredentialHelper {
        try scratch.write("docker-credential-t", "#!/bin/sh\n\(script)\n", mode: 0o755)
        return CredentialHelper(suffix: "t", context: scratch.context(["MARK": "inherited"]), timeLimit: limit)
    }

    @Test func getPassesTheExactKeyAndTheEnvironment() async throws {
        let helper = try helper(
            #"""
            key=$(od -An -c | tr -d ' \n')
            test "$1" = get && printf '{"ServerURL":"x","Username":"%s","Secret":"%s"}' "$MARK" "$key"
            """#
        )
        #expect(try await helper.get("h.io") == .basic(user: "inherited", password: Secret("h.io")))
    }

    @Test func readsIdentityTokensAndEmptyAnswers() async throws {
        #expect(
            try await helper(#"echo '{"ServerURL":"","Username":"<token>","Secret":"t"}'"#).get("h")
                == .identityToken(user: nil, Secret("t"))
        )
        #expect(try await helper(#"echo '{"ServerURL":"","Username":"","Secret":""}'"#).get("h") == nil)
    }

    @Test(arguments: [
        ("echo credentials not found in native keychain; exit 1", nil),
        ("echo no credentials server URL; exit 1", "no credentials server URL"),
        ("echo 'pass: locked'; echo details >&2; exit 3", "pass: locked"),
        ("exit 7", "exit status 7"),
        ("kill -9 $$", "exit status 137"),
        ("echo nonsense", "its reply is not the JSON object of a credential helper"),
        ("echo '{}'", "its reply is not the JSON object of a credential helper"),
        ("head -c 1100000 /dev/zero", "it wrote more than 1 MiB"),
    ])
    func tellsFailuresApart(script: String, expected: String?) async throws {
        let helper = try helper(script)
        do {
            let credential = try await helper.get("h")
            #expect(credential == nil && expected == nil)
        } catch CredentialHelper.Failure.failed(let text, let errorText) {
            #expect(text == expected)
            if script.contains("details") { #expect(errorText == "details\n") }
        }
    }

    @Test func endsAHelperThatHangs() async throws {
        let helper = try helper("exec sleep 60", limit: .milliseconds(300))
        let start = ContinuousClock.now
        await #expect(throws: CredentialHelper.Failure.failed("it did not finish within 0 s", errorText: "")) {
            try await helper.get("h")
        }
        #expect(ContinuousClock.now - start < .seconds(40))
    }

    @Test func survivesAHelperThatReadsNothingAndALongStandardError() async throws {
        let helper = try helper(
            #"exec <&-; head -c 300000 /dev/zero | tr '\0' x >&2; echo '{"Username":"u","Secret":"s"}'"#
        )
        #expect(try await helper.get(String(repeating: "k", count: 50_000)) == .basic(user: "u", password: Secret("s")))
    }

    @Test func storesErasesAndLists() async throws {
        let helper = try helper(
            #"""
            case $1 in
            store | erase) cat >> "$HOME_DIR/log"; echo "|$1" >> "$HOME_DIR/log" ;;
            list) echo '{"h.io":"u"}' ;;
            esac
            """#
            .replacing("$HOME_DIR", with: scratch.path)
        )
        try await helper.store(.basic(user: "u", password: Secret("p\"q")), for: "h.io")
        try await helper.store(.identityToken(user: "u", Secret("t")), for: hubKey)
        try await helper.erase("h.io")
        let log = try scratch.read("log")
        #expect(
            log == #"""
                {"ServerURL":"h.io","Username":"u","Secret":"p\"q"}|store
                {"ServerURL":"https://index.docker.io/v1/","Username":"<token>","Secret":"t"}|store
                h.io|erase

                """#
        )
        #expect(try await helper.list() == ["h.io": "u"])
    }

    @Test(arguments: ["../x", "a/b", "", "a b", "a;b", "é"])
    func refusesOtherNames(_ suffix: String) async {
        let helper = CredentialHelper(suffix: suffix, context: scratch.context(), timeLimit: .seconds(5))
        await #expect(throws: CredentialHelper.Failure.invalidName) { try await helper.get("h") }
    }

    @Test func looksOnlyInAbsoluteDirectories() async throws {
        _ = try helper("echo '{}'")
        let runner = SubprocessRunner(pool: .shared)
        var context = scratch.context(["PATH": ".:relative:\(scratch.path)"])
        #expect(context.environment.directoriesOnPath() == [scratch.path])
        #expect(await context.locate("docker-credential-t") == "\(scratch.path)/docker-credential-t")
        context.environment.variables["PATH"] = ".:relative"
        #expect(await context.locate("docker-credential-t") == nil)
        try scratch.write("not-executable", "x")
        #expect(await runner.locate("not-executable", in: [scratch.path]) == nil)
    }

    @Test func aSecretIsInNoMessage() async throws {
        let events = RecordedEvents()
        try scratch.write("docker-credential-t", "#!/bin/sh\necho \"bad $(cat)\"; exit 1\n", mode: 0o755)
        try scratch.write("config.json", #"{"credsStore":"t"}"#)
        let context = scratch.context(["DOCKER_CONFIG": scratch.path], events: events)
        let store = CredentialStore(context: context)
        let error = await buildError { () throws(BuildError) in
            try await store.store(.basic(user: "u", password: Secret("hunter2")), for: "h.io")
        }
        #expect(error?.code == .denied)
        #expect(error?.everything.contains("hunter2") == false)
        #expect(!events.transcript.contains("hunter2"))
    }
}
