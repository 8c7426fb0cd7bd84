import ImgCredentials
import ImgOCI
import ImgReport
import ImgTestKit
import Testing

@Suite struct CredentialStoreTests {
    private let scratch: Scratch
    private let events = RecordedEvents()
    private let login = Credential.basic(user: "u", password: Secret("p"))

    init() throws {
        scratch = try Scratch()
    }

    private func store(_ variables: [String: String] = [:]) -> CredentialStore {
        CredentialStore(
            context: scratch.context(["DOCKER_CONFIG": scratch.path].merging(variables) { $1 }, events: events)
        )
    }

    @Test func writesANewFileForItsOwnerOnly() async throws {
        let home = try Scratch()
        let store = CredentialStore(context: home.context(events: events))
        let stored = try await store.store(login, for: "H.io")
        #expect(stored.isPlainText)
        #expect(stored.location == "\(home.path)/.docker/config.json")
        #expect(
            try home.read(".docker/config.json")
                == "{\n\t\"auths\": {\n\t\t\"h.io\": {\n\t\t\t\"auth\": \"\(base64("u:p"))\"\n\t\t}\n\t}\n}\n"
        )
        #expect(try home.permissions(".docker/config.json") == 0o600)
        #expect(try home.permissions(".docker") == 0o700)
        #expect(home.names(in: ".docker") == ["config.json", "config.json.lock"], "no temporary file stays")
        #expect(events.warnings.first?.message == "the secret is stored unencrypted in \(stored.location)")
        let found = try await CredentialResolver(context: home.context())
            .credential(for: "h.io", repository: "a", purpose: .push)
        #expect(found.credential == login)
    }

    @Test func keepsWhatItDoesNotKnowInItsPlaceAndTheMode() async throws {
        let text = #"""
            {
            	"zeta": [1, 2.50],
            	"auths": {
            		"a.io": {
            			"auth": "eDp5"
            		},
            		"h.io": {
            			"email": "m@x",
            			"identitytoken": "old"
            		}
            	},
            	"aliases": {
            		"builder": "buildx  y"
            	}
            }

            """#
        try scratch.write("config.json", text, mode: 0o640)
        _ = try await store().store(login, for: "h.io")
        let expected = text.replacing("[1, 2.50]", with: "[\n\t\t1,\n\t\t2.50\n\t]")
            .replacing(#""identitytoken": "old""#, with: #""auth": "\#(base64("u:p"))""#)
        #expect(try scratch.read("config.json") == expected)
        #expect(try scratch.permissions("config.json") == 0o640)
    }

    @Test func replacesTheTargetOfALinkEvenOfADanglingOne() async throws {
        try scratch.link("config.json", to: "sub/real.json")
        _ = try await store().store(login, for: "h.io")
        #expect(try scratch.isLink("config.json"))
        #expect(try scratch.read("sub/real.json").contains("h.io"))
        _ = try await store().store(login, for: "i.io")
        #expect(try scratch.isLink("config.json"))
        #expect(try scratch.read("sub/real.json").contains("i.io"))
    }

    @Test func concurrentLoginsLoseNothing() async throws {
        let store = store()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<12 {
                group.addTask {
                    _ = try await store.store(.basic(user: "u", password: Secret("p")), for: "h\(index).io")
                }
            }
            try await group.waitForAll()
        }
        let text = try scratch.read("config.json")
        #expect(try JSON.parse(Array(text.utf8))["auths"]?.objectValue?.keys.count == 12)
    }

    @Test func theHubAndTokens() async throws {
        _ = try await store().store(.identityToken(user: "u", Secret("t")), for: "docker.io")
        let text = try scratch.read("config.json")
        let entry = try JSON.parse(Array(text.utf8))["auths"]?[hubKey]
        #expect(entry?["identitytoken"]?.stringValue == "t")
        #expect(entry?["auth"]?.stringValue == base64("u:"))
    }

    @Test func refusesWhatCannotBeStored() async {
        let cases: [Credential] = [
            .anonymous, .registryToken(Secret("t")), .basic(user: "u", password: Secret("")),
            .basic(user: "a:b", password: Secret("p")),
        ]
        for credential in cases {
            let error = await buildError { () throws(BuildError) in try await store().store(credential, for: "h.io") }
            #expect(error?.code == .usage)
        }
        #expect(scratch.names().isEmpty)
    }

    @Test func leavesABrokenFileAlone() async throws {
        try scratch.write("config.json", "{broken")
        let error = await buildError { () throws(BuildError) in try await store().store(login, for: "h.io") }
        #expect(error?.description.contains("config.json") == true)
        #expect(try scratch.read("config.json") == "{broken")
    }

    @Test func storesThroughTheConfiguredHelperAndErasesThere() async throws {
        try writeHelper("t")
        try scratch.write("config.json", #"{"credsStore":"t"}"#)
        let stored = try await store().store(login, for: "h.io")
        #expect(stored.location == "docker-credential-t")
        #expect(!stored.isPlainText)
        #expect(events.warnings.isEmpty)
        let text = try scratch.read("config.json")
        #expect(try JSON.parse(Array(text.utf8))["auths"]?["h.io"] == .object(JSONObject()))
        #expect(!text.contains(base64("u:p")))
        #expect(try await store().erase("h.io") == ["docker-credential-t", "\(scratch.path)/config.json"])
        #expect(scratch.names().contains("kept-h.io") == false)
        #expect(try await store().erase("h.io").isEmpty)
    }

    @Test func takesThePlatformsHelperOnAFreshMachineOnly() async throws {
        try writeHelper("pass")
        try scratch.write("pass", "#!/bin/sh\n", mode: 0o755)
        let stored = try await store().store(login, for: "h.io")
        #expect(stored.location == "docker-credential-pass")
        #expect(try scratch.read("config.json").contains(#""credsStore": "pass""#))
        try scratch.write("config.json", #"{"auths":{"a.io":{}}}"#)
        #expect(try await store().store(login, for: "h.io").isPlainText)
    }

    @Test func erasesEveryKeyOfAHostFromTheFile() async throws {
        let entry = #"{"auth":"\#(base64("u:p"))"}"#
        let keys = ["https://h.io", "h.io", "http://h.io", "https://h.io/v2/", "h.io/team", "other.io"]
        let members = keys.map { #""\#($0)":\#(entry)"# }.joined(separator: ",")
        try scratch.write("config.json", #"{"auths":{\#(members)}}"#)
        #expect(try await store().erase("h.io") == ["\(scratch.path)/config.json"])
        let text = try scratch.read("config.json")
        #expect(try JSON.parse(Array(text.utf8))["auths"]?.objectValue?.keys == ["h.io/team", "other.io"])
        #expect(try await store().erase("nowhere.io").isEmpty)
    }

    @Test func warnsAboutTheVariableAndNotesEcrPasswords() async throws {
        let host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
        _ = try await store(["DOCKER_AUTH_CONFIG": "{}"]).store(.basic(user: "AWS", password: Secret("p")), for: host)
        #expect(events.warnings.contains { $0.message.contains("DOCKER_AUTH_CONFIG is set") })
        #expect(events.notes.contains { $0.contains("expires after 12 hours") })
    }

    /// A helper that keeps each key in a file of its own.
    private func writeHelper(_ suffix: String) throws {
        let script = #"""
            #!/bin/sh
            case $1 in
            store) in=$(cat); key=$(echo "$in" | sed 's/.*"ServerURL":"\([^"]*\)".*/\1/'); echo "$in" > "DIR/kept-$key" ;;
            get) key=$(cat); cat "DIR/kept-$(echo "$key" | tr / _)" 2>/dev/null \
                || { echo credentials not found in native keychain; exit 1; } ;;
            erase) rm "DIR/kept-$(cat)" ;;
            esac
            """#
        try scratch.write("docker-credential-\(suffix)", script.replacing("DIR", with: scratch.path), mode: 0o755)
    }
}
