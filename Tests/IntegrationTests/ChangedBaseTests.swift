import ImgTestKit
import Testing

/// A base whose bytes have become others after its paths were read.
@Suite struct ChangedBaseTests {
    private static func build(
        _ scratch: Scratch,
        _ dockerfile: String,
        _ arguments: [String]
    ) async throws
        -> ProgramResult
    {
        try scratch.write("ctx/Dockerfile", dockerfile)
        return try await Program.run(
            Project.imgbuild,
            arguments + [scratch["ctx"]],
            in: scratch.path,
            environment: [
                "IMGBUILD_CACHE_DIR": scratch["cache"], "DOCKER_CONFIG": scratch["docker"], "HOME": scratch.path,
            ]
        )
    }

    @Test func otherContentIsNotCopied() async throws {
        try await Scratch.with { scratch in
            try scratch.write("ctx/a", "the true content\n")
            // What comes behind is more than is read ahead.
            try scratch.write("ctx/z", [UInt8](repeating: 1, count: 16 << 20))
            let base = try await Self.build(
                scratch,
                "FROM scratch\nCOPY a z /\n",
                ["--output", "type=oci,tar=false,compression=uncompressed,dest=\(scratch["base"])"]
            )
            #expect(base.status == 0, "\(base)")
            let arguments = [
                "--build-context", "base=oci-layout://\(scratch["base"])", "--output",
                "type=oci,tar=false,dest=\(scratch["out"])",
            ]
            let first = try await Self.build(scratch, "FROM scratch\nCOPY --from=base /a /one\n", arguments)
            #expect(first.status == 0, "\(first)")
            let change = "f=$(grep -rl 'the true content' base/blobs); sed -i 's/the true content/the evil content/' $f"
            try await Program.output("sh", ["-c", change], in: scratch.path)
            let second = try await Self.build(scratch, "FROM scratch\nCOPY --from=base /a /two\n", arguments)
            #expect(second.status != 0)
            #expect(second.errors.contains("has other content than its name says"), "\(second)")
        }
    }
}
