import ImgTestKit
import Testing

/// `ADD --checksum` with either hash that digests may have.
@Suite struct ChecksumTests {
    @Test(arguments: ["sha256", "sha512"], [true, false])
    func downloadsAreCompared(_ algorithm: String, _ isRight: Bool) async throws {
        try await Scratch.with { scratch in
            let server = try ScriptedServer { _ in ServerResponse(200, text: isRight ? "content" : "another") }
            try scratch.write("content", "content")
            let sum = try await Program.output("\(algorithm)sum", [scratch["content"]])
            let digest = "\(algorithm):\(sum.prefix { $0 != " " })"
            try scratch.write("ctx/Dockerfile", "FROM scratch\nADD --checksum=\(digest) \(server.url)/file /\n")
            let result = try await Program.run(
                Project.imgbuild,
                ["--output", "type=oci,dest=\(scratch["image.tar"])", scratch["ctx"]],
                in: scratch.path,
                environment: [
                    "IMGBUILD_CACHE_DIR": scratch["cache"], "DOCKER_CONFIG": scratch["docker"], "HOME": scratch.path,
                ]
            )
            #expect((result.status == 0) == isRight, "\(result)")
            if !isRight {
                #expect(result.errors.contains("digest mismatch \(algorithm):"), "\(result)")
                #expect(result.errors.contains(": \(digest)"), "\(result)")
            }
        }
    }
}
