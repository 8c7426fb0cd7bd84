import ImgBuilder
import ImgOCI
import ImgReport
import Testing

@testable import ImgCLI

@Suite("Targets of copy") struct CopyTargetTests {
    @Test(arguments: [
        ("oci-layout://dir:foo", CopyTarget.layout(path: "dir", tag: "foo", isTar: false)),
        ("oci-layout:///tmp/x.tar", .layout(path: "/tmp/x.tar", tag: nil, isTar: true)),
        ("oci-layout:///tmp/x.tar:foo", .layout(path: "/tmp/x.tar", tag: "foo", isTar: true)),
        ("./x.tar", .layout(path: "./x.tar", tag: nil, isTar: true)),
        ("x.tar", .layout(path: "x.tar", tag: nil, isTar: true)),
        ("Out/x.tar", .layout(path: "Out/x.tar", tag: nil, isTar: true)),
    ])
    func files(_ text: String, _ target: CopyTarget) throws {
        #expect(try CopyTarget(parsing: text) == target)
    }

    @Test func aTagMayEndLikeAFile() throws {
        #expect(try CopyTarget(parsing: "ghcr.io/o/app:v1.tar") == .registry(try reference("ghcr.io/o/app:v1.tar")))
    }

    @Test func aDigestIsNoTarget() throws {
        let digest = "sha256:" + String(repeating: "a", count: 64)
        #expect(throws: BuildError.self) { try CopyTarget(parsing: "oci-layout://dir@\(digest)") }
        #expect(throws: BuildError.self) { try CopyTarget(parsing: "docker://x.tar") }
    }

    @Test(arguments: ["x.tar.gz", "./x.tgz", "oci-layout://x.tar.gz:1"]) func archivesAreNotCompressed(_ text: String) {
        let error = #expect(throws: BuildError.self) { try CopyTarget(parsing: text) }
        #expect(error?.code == .usage)
    }

    @Test func whatIsNoTagIsSaid() throws {
        let error = #expect(throws: BuildError.self) { try reference("app:1").withTag("no tag") }
        #expect(error?.code == .usage)
    }
}
