import ArgumentParser
import ImgBuilder
import ImgReport
import ImgTestKit
import Testing

@testable import ImgCLI

/// How registries are reached: what can have no effect is refused at the start.
@Suite("Flags about registries") struct MachineTests {
    private func settings(_ arguments: [String]) throws -> RegistrySettings {
        try MachineOptions.parse(arguments).environment().registry
    }

    private func refusal(_ arguments: [String]) throws -> Diagnostic {
        let error = try #require(throws: BuildError.self) { _ = try settings(arguments) }
        #expect(error.code == .usage)
        return try #require(error.diagnostics.first)
    }

    @Test(arguments: [
        "reg", "reg.example", "reg.example:5000", "127.0.0.1", "[::1]:5000", "*.example.com", "10.0.0.0/8", "fd00::/8",
    ])
    func takesInsecureHosts(_ text: String) throws {
        #expect(try settings(["--registry-insecure", text]).insecureHosts == [text])
    }

    @Test(arguments: [
        "http://reg:5000/", "reg/team", "reg:", "reg:0", "reg:99999", "", "*.", "*", "*.example.com:5000", "10/8",
        "10.0.0.0/33", "a b", "::1",
    ])
    func refusesInsecureHosts(_ text: String) throws {
        let diagnostic = try refusal(["--registry-insecure", text])
        #expect(diagnostic.message.hasPrefix("invalid value \"\(text)\" of --registry-insecure"))
        #expect(diagnostic.hints == (text.contains("://") ? ["write reg:5000"] : []))
    }

    @Test func printsNoPassword() throws {
        let diagnostic = try refusal(["--registry-insecure", "https://me:geheim@reg:5000/"])
        #expect(!"\(diagnostic)".contains("geheim"))
        #expect(diagnostic.hints == ["write reg:5000"])
    }

    @Test(arguments: ["https://x/", "x:443", "x/y", ""]) func refusesRedirectHosts(_ text: String) throws {
        #expect(try refusal(["--allow-redirect", text]).message.contains("a host without port"))
        #expect(try settings(["--allow-redirect", "x.example"]).redirectHosts == ["x.example"])
    }

    @Test func looksIntoFiles() async throws {
        try await Scratch.with { scratch in
            try scratch.write("ca.pem", "# mine\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
            try scratch.write("none.pem", "root:x:0:0\n")
            let file = scratch["ca.pem"]
            #expect(try settings(["--registry-ca", file]).certificateAuthorities.map(\.path) == [file])
            #expect(try settings(["--registry-ca", "r:5000=\(file)"]).certificateAuthorities.map(\.host) == ["r:5000"])
            let empty = try refusal(["--registry-ca", scratch["none.pem"]])
            #expect(empty.message == "--registry-ca: \(scratch["none.pem"]) holds no PEM certificate")
            #expect(try refusal(["--registry-ca", scratch["gone.pem"]]).message.contains("No such file"))
            #expect(try refusal(["--registry-ca", "https://r=\(file)"]).message.contains("HOST[:PORT] before"))

            #expect(try settings(["--registry-config-dir", scratch.path]).configurationDirectories == [scratch.path])
            #expect(try refusal(["--registry-config-dir", scratch["gone"]]).message.contains("No such file"))
            #expect(try refusal(["--registry-config-dir", file]).message.contains("no directory"))
        }
    }
}

/// Remedies are of use only if they can be typed.
@Suite("Remedies") struct RemedyTests {
    /// Of Amazon's command line.
    private static let foreign: Set<String> = ["--format", "--profile", "--region", "--repository-name"]

    @Test func nameFlagsThatExist() async throws {
        let literals = try await Program.output(
            "grep",
            ["-rhoE", "\"[^\"]*--[a-z][^\"]*\"", "Sources/ImgRegistry", "Sources/ImgCredentials", "--include=*.swift"],
            in: Project.root
        )
        let named = literals.matches(of: /--[a-z][a-z-]+/).map { String($0.output) }
        #expect(named.count > 8)
        var known = Self.foreign
        for command in RootCommand.configuration.subcommands {
            let help = RootCommand.helpMessage(for: command, includeHidden: true)
            known.formUnion(help.matches(of: /--[a-z][a-z-]+/).map { String($0.output) })
        }
        #expect(Set(named).subtracting(known) == [])
        _ = try request(["-t", "localhost/x", "--output", "type=registry,oci-mediatypes=false", "."])
        _ = try request(["-t", "localhost/x", "--output", "type=registry,compression=gzip", "."])
    }
}
