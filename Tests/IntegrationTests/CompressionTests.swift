import ImgTestKit
import Testing

/// Layers of a base in another compression than the new ones.
@Suite struct CompressionTests {
    private static func build(_ lab: Lab, _ attributes: String) async throws -> ProgramResult {
        try lab.scratch.write("context/file", "one\n")
        try lab.scratch.write("context/Dockerfile", "FROM \(lab.reference("base/busybox:1"))\nCOPY file /\n")
        let arguments = [
            "--debug", "--platform", "linux/amd64,linux/arm64", "--output",
            "type=oci,dest=\(lab.scratch["out"]),tar=false,compression=zstd\(attributes)", lab.scratch["context"],
        ]
        let result = try await lab.imgbuild(arguments)
        guard result.status == 0 else { throw ProgramFailure(command: ["imgbuild"] + arguments, result: result) }
        return result
    }

    /// Media types of all layers.
    private static func types(_ lab: Lab) async throws -> Set<String> {
        let text = try await Program.output(
            "sh",
            ["-c", "cat out/blobs/sha256/* | grep -ao 'application/vnd.oci.image.layer[^\"]*'"],
            in: lab.scratch.path
        )
        return Set(text.split(separator: "\n").map(String.init))
    }

    @Test func aBaseIsCompressedAnewWhereThatIsAskedFor() async throws {
        try await Lab.with(bases: ["busybox"]) { lab in
            let first = try await Self.build(lab, ",force-compression=true")
            #expect(try await Self.types(lab) == ["application/vnd.oci.image.layer.v1.tar+zstd"])
            #expect(!first.errors.contains("the layers of the base are"), "\(first)")
            // Each layer, undone, has a diff ID of the configurations.
            let check = """
                for blob in out/blobs/sha256/*; do
                    zstd -qt "$blob" 2>/dev/null || continue
                    sum=$(zstd -qdc "$blob" | sha256sum | cut -c1-64)
                    grep -aqs "diff_ids.*$sum" out/blobs/sha256/* && echo right || echo "$blob is wrong"
                done
                """
            let answer = try await Program.output("sh", ["-c", check], in: lab.scratch.path)
            #expect(answer == "right\nright\nright\n")
            let second = try await Self.build(lab, ",force-compression=true")
            #expect(second.output == first.output)
            let layers = second.errors.split(separator: "\n").filter { $0.contains("GET") && $0.contains("/blobs/") }
            #expect(layers.isEmpty, "\(layers)")
        }
    }

    @Test func aMixtureIsSaid() async throws {
        try await Lab.with(bases: ["busybox"]) { lab in
            let result = try await Self.build(lab, "")
            #expect(result.errors.contains("the layers of the base are gzip, the new ones are zstd"), "\(result)")
            #expect(result.errors.contains("force-compression=true"), "\(result)")
            let types = ["gzip", "zstd"].map { "application/vnd.oci.image.layer.v1.tar+\($0)" }
            #expect(try await Self.types(lab) == Set(types))
        }
    }
}
