import ImgOCI
import Testing

@Suite struct ImageReferenceTests {
    static let hex = String(repeating: "a1", count: 32)

    /// The vectors of REF-7.
    @Test(arguments: [
        ("alpine", "docker.io/library/alpine:latest"),
        ("index.docker.io/alpine", "docker.io/library/alpine:latest"),
        ("docker.io/org/app:1", "docker.io/org/app:1"),
        ("localhost/app", "localhost/app:latest"),
        ("localhost:5000/app", "localhost:5000/app:latest"),
        ("app:5000/x", "app:5000/x:latest"),
        ("app:5000", "docker.io/library/app:5000"),
        ("foo/bar", "docker.io/foo/bar:latest"),
        ("Foo/bar", "Foo/bar:latest"),
        ("[::1]:5000/x", "[::1]:5000/x:latest"),
        ("[2001:db8::1]/x/y:t", "[2001:db8::1]/x/y:t"),
        ("a.b/c/d:e@sha256:\(hex)", "a.b/c/d:e@sha256:\(hex)"),
        ("x@sha256:\(hex)", "docker.io/library/x@sha256:\(hex)"),
        ("a.b/c--d_e__f.g/h", "a.b/c--d_e__f.g/h:latest"),
    ])
    func normalizes(_ text: String, _ expected: String) throws {
        let reference = try ImageReference(parsing: text)
        #expect(reference.normalized == expected)
        #expect(try ImageReference(parsing: reference.normalized) == ImageReference(parsing: reference.familiar))
    }

    @Test(arguments: [
        "", " alpine", "alpine ", "foo/Bar", "FOO", "x@sha256:\(hex.dropLast())", "x:", "x@", ":t", "a..b", "a___b",
        "a._b", "-a", "a-", "a//b", "a/", ".", "..", "x:a+b", "x:\(String(repeating: "t", count: 129))",
        "https://host/repo", "h:0/x", "h:65536/x", "h.io:x/y", "\(hex)", "a.b/" + String(repeating: "p", count: 256),
        "-h.io/x", "[zz]/x",
    ])
    func refuses(_ text: String) {
        #expect(throws: ReferenceError.self) { try ImageReference(parsing: text) }
    }

    /// In the words of other tools first (STG-9).
    @Test(arguments: ["a:b:c", "a/", "-a", "x:", "x:-y", "x@bar", "x@sha256:abc", "https://h/x", ""])
    func saysSo(_ text: String) {
        #expect { try ImageReference(parsing: text) } throws: {
            ($0 as? ReferenceError)?.reason.hasPrefix("invalid reference format") == true
        }
    }

    @Test func familiarNames() throws {
        #expect(try ImageReference(parsing: "docker.io/library/alpine:3").familiar == "alpine:3")
        #expect(try ImageReference(parsing: "docker.io/me/app").familiar == "me/app:latest")
        #expect(try ImageReference(parsing: "ghcr.io/o/a:1").familiar == "ghcr.io/o/a:1")
    }

    @Test(arguments: [
        "123456789012.dkr.ecr.us-east-1.amazonaws.com", "123456789012.dkr-ecr.eu-west-2.on.aws:1", "ghcr.io",
        "team.azurecr.io:2", "europe-docker.pkg.dev@sha256:\(hex)",
    ])
    func aRegistryAloneIsNoImage(_ text: String) {
        let host = text.prefix { $0 != ":" && $0 != "@" }
        #expect { try ImageReference(parsing: text) } throws: {
            let error = $0 as? ReferenceError
            return error?.reason == "invalid reference format: no repository in \"\(host)\", which is a registry"
                && error?.hint == "write \(host)/REPOSITORY:TAG"
        }
    }

    @Test func aRegistryTwiceIsNoRepository() throws {
        #expect { try ImageReference(parsing: "ghcr.io/ghcr.io/o/a:1") } throws: {
            ($0 as? ReferenceError)?.hint == "write ghcr.io/o/a:1"
        }
        // Caches of other registries have their names as the first part.
        #expect(try ImageReference(parsing: "cache.example/ghcr.io/o/a").path == "ghcr.io/o/a")
        #expect(try ImageReference(parsing: "my.base").normalized == "docker.io/library/my.base:latest")
    }

    @Test(arguments: [("localhost:5000/A:1", "(A)"), ("docker.io/A", "(library/A)"), ("A", "(library/A)")])
    func upperCaseIsShownAsItIs(_ text: String, _ name: String) {
        #expect { try ImageReference(parsing: text) } throws: {
            ($0 as? ReferenceError)?.reason == "invalid reference format: repository name \(name) must be lowercase"
        }
    }

    @Test func hintsSayWhatToWrite() {
        #expect { try ImageReference(parsing: "app:1.0+build") } throws: {
            ($0 as? ReferenceError)?.hint?.contains("1.0_build") == true
        }
        #expect { try ImageReference(parsing: "ghcr.io/Me/App") } throws: {
            ($0 as? ReferenceError)?.hint == "write ghcr.io/me/app"
        }
        // Tags and hosts are what they are.
        #expect { try ImageReference(parsing: "App:App") } throws: {
            ($0 as? ReferenceError)?.hint == "write app:App"
        }
        #expect { try ImageReference(parsing: "Host/App:RC1@sha256:\(Self.hex)") } throws: {
            ($0 as? ReferenceError)?.hint == "write Host/app:RC1@sha256:\(Self.hex)"
        }
    }
}
