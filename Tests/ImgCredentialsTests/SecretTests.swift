import ImgCredentials
import Testing

@Suite struct SecretTests {
    @Test func printsAsDotsInEveryWay() {
        let secret = Secret("hunter2")
        let credential = Credential.basic(user: "u", password: secret)
        let resolved = ResolvedCredential(credential, source: "a file", origin: .file)
        var dumped = ""
        dump(resolved, to: &dumped)
        for text in ["\(secret)", String(reflecting: secret), "\(credential)", "\(resolved)", dumped, "\([secret])"] {
            #expect(!text.contains("hunter2"))
            #expect(text.contains("••••••"))
        }
        #expect(secret.exposed == "hunter2")
        #expect(Mirror(reflecting: secret).children.isEmpty)
    }

    @Test(arguments: ["a\nb", "a\rb", "a\0b", "a\u{7f}"])
    func seesControlCharacters(_ text: String) {
        #expect(Secret(text).hasControlCharacters)
        #expect(!Secret("plain é").hasControlCharacters)
    }
}
