import ImgOCI
import ImgReport
import Testing

@testable import ImgCredentials

@Suite struct DockerConfigTests {
    private func config(_ text: String) throws -> DockerConfig {
        try DockerConfig(parsing: Array(text.utf8), origin: "/c/config.json")
    }

    private func entry(_ text: String) throws -> Credential? {
        try config(#"{"auths":{"h.io":\#(text)}}"#).storedCredential(for: RegistryKey(host: "h.io"))
    }

    @Test func readsEveryFormOfEntry() throws {
        let pair = Credential.basic(user: "u", password: Secret("p:w"))
        #expect(try entry(#"{"auth":"\#(base64("u:p:w"))"}"#) == pair)
        #expect(try entry(#"{"auth":" \#(base64("u:p:w"))\n"}"#) == pair)
        #expect(try entry(#"{"username":"u","password":"p:w"}"#) == pair)
        #expect(try entry(#"{"auth":"\#(base64("u:p:w"))","username":"x","password":"y"}"#) == pair)
        #expect(try entry(#"{"auth":"dTpwOnc"}"#) == pair, "padding is optional")
        #expect(try entry(#"{"auth":"\#(base64("u:p:w\0\0"))"}"#) == pair, "old padding of the password")
        #expect(
            try entry(#"{"auth":"\#(base64("u:"))","identitytoken":"t"}"#) == .identityToken(user: "u", Secret("t"))
        )
        #expect(try entry(#"{"identitytoken":"t"}"#) == .identityToken(user: nil, Secret("t")))
        #expect(try entry(#"{"registrytoken":"t"}"#) == .registryToken(Secret("t")))
        #expect(try entry("{}") == nil)
        #expect(try entry(#"{"email":"a@b"}"#) == nil)
    }

    @Test(arguments: ["%%%", "dXNlcg==", "a"])
    func namesTheKeyOfABadEntry(_ auth: String) throws {
        let error = #expect(throws: BuildError.self) { try entry(#"{"auth":"\#(auth)"}"#) }
        #expect(error?.description.contains("`h.io`") == true)
        #expect(error?.description.contains("/c/config.json") == true)
    }

    @Test func fallsBackFromAMarkerToTheNextKey() throws {
        let text = #"{"auths":{"h.io":{},"https://h.io/v1/":{"auth":"\#(base64("u:p"))"}}}"#
        let found = try config(text).storedCredential(for: RegistryKey(host: "h.io"))
        #expect(found == .basic(user: "u", password: Secret("p")))
    }

    @Test func saysWhereTheTextIsBroken() {
        let error = #expect(throws: BuildError.self) { try config("{\n  \"auths\": {,}\n}") }
        #expect(error?.description.contains("/c/config.json") == true)
        #expect(error?.description.contains("line 2, column 13") == true)
    }

    @Test(arguments: [
        "[]", #"{"auths":[]}"#, #"{"auths":{"h":1}}"#, #"{"credHelpers":{"h":1}}"#, #"{"HttpHeaders":{"a":[]}}"#,
        "{} x",
    ])
    func refusesOtherShapes(_ text: String) {
        #expect(throws: BuildError.self) { try config(text) }
    }

    @Test func readsTheRest() throws {
        let text = #"""
            {"HttpHeaders":{"X-Meta":"v","user-agent":"x","Authorization":"y"},"credsStore":"pass","currentContext":"c",
             "credHelpers":{"ghcr.io":"gh"},"proxies":{"default":{"httpProxy":"http://p"}},"psFormat":"table"}
            """#
        let config = try config(text)
        #expect(config.headers == [CredentialHeader("X-Meta", "v")])
        #expect(config.credentialStore == "pass")
        #expect(config.hostHelper(for: RegistryKey(host: "ghcr.io"))?.suffix == "gh")
        #expect(config.hostHelper(for: RegistryKey(host: "quay.io")) == nil)
        #expect(try self.config("  ").auths.isEmpty)
    }
}
