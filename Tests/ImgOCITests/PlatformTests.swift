import ImgOCI
import Testing

@Suite struct PlatformTests {
    /// PLT-1 and PLT-2.
    @Test(arguments: [
        ("linux/amd64", "linux/amd64"), ("linux/arm64/v8", "linux/arm64"), ("linux/aarch64", "linux/arm64"),
        ("linux/arm64/9.0", "linux/arm64/v9"), ("linux/arm", "linux/arm/v7"), ("linux/arm/6", "linux/arm/v6"),
        ("linux/armhf", "linux/arm/v7"), ("linux/armel/v9", "linux/arm/v6"), ("linux/x86_64", "linux/amd64"),
        ("Linux/AMD64/v1", "linux/amd64"), ("linux/amd64/v3", "linux/amd64/v3"), ("linux/i386", "linux/386"),
        ("macos/arm64", "darwin/arm64"), ("arm64", "linux/arm64"), ("linux", "linux/amd64"),
        ("foo/bar", "foo/bar"), ("windows(10.0.1+f)/amd64", "windows(10.0.1)/amd64"), ("x86-64", "linux/amd64"),
    ])
    func parses(_ text: String, _ expected: String) throws {
        let host = Platform(os: "linux", architecture: "amd64")
        #expect(try Platform(parsing: text, host: host).description == expected)
    }

    @Test(arguments: ["", "linux/", "*", "a/b/c/d", "linux/amd 64", "bogus", "linux//v7"])
    func refuses(_ text: String) {
        #expect(throws: PlatformError.self) { try Platform(parsing: text) }
    }

    /// PULL-10: which of the offered platforms a wanted one takes.
    @Test(arguments: [
        ("linux/amd64", ["linux/386", "linux/amd64/v2", "linux/amd64"], "linux/amd64"),
        ("linux/amd64/v3", ["linux/amd64", "linux/amd64/v2", "linux/amd64/v4"], "linux/amd64/v2"),
        ("linux/arm/v7", ["linux/arm/v5", "linux/arm/v6", "linux/arm64"], "linux/arm/v6"),
        ("linux/arm64", ["linux/arm/v7", "linux/arm64/v9", "linux/arm64/v8"], "linux/arm64"),
        ("linux/arm64/v9", ["linux/arm64/v8.6", "linux/arm64/v8.5"], "linux/arm64/v8.5"),
        ("linux/amd64", ["linux/386", "linux/amd64/v2"], ""),
        ("linux/arm64", ["linux/arm/v8"], ""),
        ("linux/arm64/v9.1", ["linux/arm64/v8.6", "linux/arm64/v9", "linux/arm64/v9.2"], "linux/arm64/v9"),
        ("linux/arm64/v9.1", ["linux/arm64/v8.7", "linux/arm64", "linux/arm64/v8.6"], "linux/arm64/v8.6"),
        ("linux/arm64/v8.2", ["linux/arm64/v8.3", "linux/arm64/v7"], ""),
        ("linux/amd64/v9223372036854775807", ["linux/amd64"], ""),
        ("linux/arm/v9223372036854775807", ["linux/arm/v7"], ""),
        ("linux/arm64/v9.9223372036854775807", ["linux/arm64"], ""),
        ("linux/riscv64/x", ["linux/riscv64/y", "linux/riscv64"], "linux/riscv64"),
        ("linux/ppc64le", ["linux/ppc64", "linux/ppc64le"], "linux/ppc64le"),
    ])
    func picks(_ wanted: String, _ offered: [String], _ expected: String) throws {
        let platform = try Platform(parsing: wanted)
        let ranked = try offered.map { try Platform(parsing: $0) }
            .compactMap { candidate in platform.matchRank(of: candidate).map { ($0, candidate.description) } }
        #expect((ranked.min { $0.0 < $1.0 }?.1 ?? "") == expected)
    }
}
