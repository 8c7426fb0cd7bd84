import ImgOCI
import ImgReport
import Testing

@testable import ImgBuilder

@Suite("Places that images are read from") struct ImageLocationTests {
    @Test(arguments: [
        ("oci-layout://dir", "dir", nil), ("oci-layout://dir:v1", "dir", "v1"), ("oci-layout:///a:b/c", "/a:b/c", nil),
        ("./dir:v1", "./dir", "v1"), ("/abs/dir", "/abs/dir", nil), ("../x", "../x", nil),
        ("app.tar", "app.tar", nil), ("app.tgz", "app.tgz", nil), ("My App.tar", "My App.tar", nil),
        ("./app.tar:1", "./app.tar", "1"),
        ("oci-layout://app.tar.gz:ghcr.io/o/app:1", "app.tar.gz", "ghcr.io/o/app:1"),
    ])
    func layouts(_ text: String, _ path: String, _ tag: String?) throws {
        #expect(try ImageLocation(parsing: text) == .layout(path: path, tag: tag, digest: nil))
    }

    @Test func layoutWithDigest() throws {
        let digest = "sha256:" + String(repeating: "a", count: 64)
        let location = try ImageLocation(parsing: "oci-layout://dir:v1@\(digest)")
        #expect(location == .layout(path: "dir", tag: "v1", digest: try Digest(parsing: digest)))
        #expect(location.description == "oci-layout://dir:v1@\(digest)")
    }

    @Test(arguments: [("alpine", "alpine:latest"), ("ghcr.io/a/b:1", "ghcr.io/a/b:1"), ("a/b:1.tar", "a/b:1.tar")])
    func references(_ text: String, _ shown: String) throws {
        #expect(try ImageLocation(parsing: text).description == shown)
    }

    @Test(arguments: ["UPPER", "", "oci-layout://dir@sha256:short", "a b"])
    func refused(_ text: String) throws {
        let error = try #require(throws: BuildError.self) { try ImageLocation(parsing: text) }
        #expect(error.code == .usage)
    }
}

@Suite("Names of registries") struct RegistryNameTests {
    @Test(arguments: [
        (nil, "docker.io"), ("", "docker.io"), ("index.docker.io", "docker.io"),
        ("https://index.docker.io/v1/", "docker.io"), ("ghcr.io", "ghcr.io"),
        ("HTTP://localhost:5000/v2/", "localhost:5000"),
        ("[::1]:5000", "[::1]:5000"),
    ])
    func parsed(_ text: String?, _ host: String) throws {
        #expect(try RegistryName.parse(text) == host)
    }

    @Test(arguments: ["not a host", "user@host", "https://", "/path"])
    func refused(_ text: String) throws {
        let error = try #require(throws: BuildError.self) { try RegistryName.parse(text) }
        #expect(error.code == .usage)
    }
}

@Suite("What a URL is saved as") struct FileNameTests {
    @Test(arguments: [
        ("https://example.org/a/b.txt", "b.txt"), ("https://example.org/a/b%20c", "b c"),
        ("https://example.org/a/b c", "b c"),
        ("https://example.org/a.tar?x=/y", "a.tar"), ("https://example.org/a#b/c", "a"),
        ("https://example.org/", "__unnamed__"), ("https://example.org", "__unnamed__"),
        ("https://example.org/a/..", "__unnamed__"), ("https://example.org/%2e%2e", "__unnamed__"),
        ("https://example.org/a%2Fb", "b"), ("https://example.org/dir/", "dir"), ("https://example.org/%zz%4", "%zz%4"),
    ])
    func names(_ url: String, _ name: String) {
        #expect(String(decoding: Downloads.fileName(url), as: UTF8.self) == name)
    }

    @Test(arguments: [
        ("https://example.org/a b/c  d.txt?q#f", "https://example.org/a%20b/c%20%20d.txt?q#f"),
        ("https://example.org/a%20b+c", "https://example.org/a%20b+c"),
        // Nobody takes these.
        ("https://exam ple.org/a", "https://exam ple.org/a"), ("https://h/a?b c", "https://h/a?b c"),
        ("https://h?a/b c", "https://h?a/b c"),
    ])
    func blanks(_ url: String, _ asked: String) {
        #expect(Downloads.escapingBlanks(url) == asked)
    }

    @Test(arguments: [("%41%6a", "Aj"), ("100%", "100%"), ("%4", "%4"), ("a%00b", "a\0b"), ("%%41", "%A"), ("", "")])
    func decoding(_ text: String, _ decoded: String) {
        #expect(PercentCoding.decode(Array(text.utf8)) == Array(decoded.utf8))
    }
}

@Suite("What a builder knows of the machine") struct EnvironmentTests {
    @Test(arguments: [
        ([:], "/home/u/.cache/imgbuild"), (["XDG_CACHE_HOME": "/x"], "/x/imgbuild"),
        (["XDG_CACHE_HOME": "relative"], "/home/u/.cache/imgbuild"),
        (["XDG_CACHE_HOME": "/x", "IMGBUILD_CACHE_DIR": "/c"], "/c"),
        (["IMGBUILD_CACHE_DIR": ""], "/home/u/.cache/imgbuild"),
    ])
    func cache(_ variables: [String: String], _ path: String) {
        let environment = BuilderEnvironment(variables: variables, homeDirectory: "/home/u", workingDirectory: "/w")
        #expect(environment.resolvedCacheDirectory == path)
    }

    @Test func pathsCountFromTheWorkingDirectory() {
        let environment = BuilderEnvironment(variables: [:], homeDirectory: "/", workingDirectory: "/w")
        #expect(environment.absolute("a/b") == "/w/a/b")
        #expect(environment.absolute("/a") == "/a")
    }

    @Test func passwordsAreNotPrinted() {
        let request = LoginRequest(host: nil, user: "me", password: "correct horse")
        #expect(!"\(request)".contains("horse"))
        var dumped = ""
        dump(request, to: &dumped)
        #expect(!dumped.contains("horse"))
    }
}
