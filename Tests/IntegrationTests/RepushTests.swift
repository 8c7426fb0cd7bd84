import ImgTestKit
import Testing

/// Pushes of an image that the registry has, wholly or in part, or claims to have.
@Suite struct RepushTests {
    /// Builds and pushes two platforms; returns what was said.
    @discardableResult
    private static func push(
        _ lab: Lab,
        _ tag: String = "repush/app:1",
        _ options: [String] = []
    ) async throws
        -> ProgramResult
    {
        let arguments =
            ["--debug", "--platform", "linux/amd64,linux/arm64", "-t", lab.reference(tag), "--push"] + options
            + [lab.scratch["context"]]
        let result = try await lab.imgbuild(arguments)
        guard result.status == 0 else { throw ProgramFailure(command: ["imgbuild"] + arguments, result: result) }
        return result
    }

    private static func with(_ body: @Sendable @escaping (Lab) async throws -> Void) async throws {
        try await Lab.with { lab in
            try lab.scratch.write("context/motd", "hello\n")
            try lab.scratch.write("context/Dockerfile", "FROM scratch\nCOPY motd /etc/\n")
            try await body(lab)
        }
    }

    /// Digests in a document, in its order.
    private static func digests(_ text: String) -> [String] {
        text.split(separator: "\"").filter { $0.hasPrefix("sha256:") }.map(String.init)
    }

    private static func raw(_ lab: Lab, _ name: String) async throws -> String {
        try await lab.skopeo(["inspect", "--raw", "--tls-verify=false", "docker://\(lab.reference(name))"])
    }

    /// Reads everything that a tag leads to.
    private static func expectWhole(_ lab: Lab, _ name: String) async throws {
        let result = try await Program.run(
            "skopeo",
            [
                "copy", "--quiet", "--all", "--src-tls-verify=false", "docker://\(lab.reference(name))",
                "dir:\(lab.scratch["out"])",
            ]
        )
        #expect(result.status == 0, "\(result)")
    }

    @Test func anUnchangedTagIsLeftAloneAndSaysSo() async throws {
        try await Self.with { lab in
            try await Self.push(lab)
            let digest = try await Self.raw(lab, "repush/app:1")
            let again = try await Self.push(lab)
            #expect(again.errors.contains("repush/app:1 already points to sha256:"), "\(again)")
            #expect(try await Self.raw(lab, "repush/app:1") == digest)
        }
    }

    @Test func aManifestThatTheIndexListsAndTheRegistryLostIsPushedAgain() async throws {
        try await Self.with { lab in
            try await Self.push(lab)
            let child = try #require(Self.digests(try await Self.raw(lab, "repush/app:1")).first)
            let deleted = try await Program.run(
                "curl",
                ["-sf", "-X", "DELETE", "http://\(lab.registry.host)/v2/repush/app/manifests/\(child)"]
            )
            #expect(deleted.status == 0, "\(deleted)")
            try await Self.push(lab)
            try await Self.expectWhole(lab, "repush/app:1")
        }
    }

    @Test func aBlobThatWasDeletedByHandIsPushedAgainWhenBlobsAreVerified() async throws {
        try await Self.with { lab in
            try await Self.push(lab)
            let child = try #require(Self.digests(try await Self.raw(lab, "repush/app:1")).first)
            let layer = try #require(Self.digests(try await Self.raw(lab, "repush/app@\(child)")).last)
            let deleted = try await Program.run(
                "curl",
                ["-sf", "-X", "DELETE", "http://\(lab.registry.host)/v2/repush/app/blobs/\(layer)"]
            )
            #expect(deleted.status == 0, "\(deleted)")
            let result = try await Self.push(lab, "repush/app:1", ["--verify=blobs"])
            #expect(result.errors.contains("/v2/repush/app/blobs/uploads/"), "\(result)")
            try await Self.expectWhole(lab, "repush/app:1")
        }
    }

    /// The same platform by two names is one entry of the index: registries refuse repeated ones (PUSH-37).
    @Test func aPlatformThatIsNamedTwiceIsListedOnce() async throws {
        try await Self.with { lab in
            try await lab.build([
                "--platform", "linux/amd64,linux/x86_64,linux/arm64", "-t", lab.reference("repush/app:1"), "--push",
                lab.scratch["context"],
            ])
            #expect(Self.digests(try await Self.raw(lab, "repush/app:1")).count == 2)
        }
    }

    /// A layout whose blob is something else is not sent.
    @Test func aDamagedLayoutIsNotPushed() async throws {
        try await Self.with { lab in
            let layout = lab.scratch["layout"]
            try await lab.build([
                "--platform", "linux/amd64", "--output", "type=oci,tar=false,dest=\(layout)", lab.scratch["context"],
            ])
            let damage =
                "for f in \(layout)/blobs/sha256/*; do grep -q motd $f || printf x | dd of=$f bs=1 seek=20 conv=notrunc; done"
            try await Program.output("sh", ["-c", damage])
            let result = try await lab.imgbuild(["push", layout, lab.reference("repush/app:1")])
            #expect(result.status != 0, "\(result)")
            #expect(result.errors.contains("other content than its name says"), "\(result)")
            #expect(!(try await lab.exists("repush/app:1")))
        }
    }

    /// What one repository has says nothing about another.
    @Test func aSecondRepositoryGetsEverything() async throws {
        try await Self.with { lab in
            try await Self.push(lab)
            try await Self.push(lab, "repush/other:1", ["-t", lab.reference("repush/app:1")])
            try await Self.expectWhole(lab, "repush/other:1")
            try await Self.expectWhole(lab, "repush/app:1")
        }
    }

    @Test func anImageOfOnePlatformAfterAnotherOfTwo() async throws {
        try await Self.with { lab in
            try await Self.push(lab)
            try await lab.build([
                "--platform", "linux/arm64", "-t", lab.reference("repush/app:1"), "--push", lab.scratch["context"],
            ])
            try await Self.expectWhole(lab, "repush/app:1")
            try lab.scratch.write("context/motd", "changed\n")
            try await Self.push(lab)
            try await Self.expectWhole(lab, "repush/app:1")
        }
    }
}
