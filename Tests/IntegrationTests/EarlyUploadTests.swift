import ImgTestKit
import Testing

/// Layers that are sent while they are compressed: to tags that lead nowhere yet, and never to the end unless the image is
/// published.
@Suite struct EarlyUploadTests {
    private static let size = 48 << 20

    private static func with(_ body: @Sendable @escaping (Lab) async throws -> Void) async throws {
        try await Lab.with { lab in
            try lab.scratch.write("context/Dockerfile", "FROM scratch\nCOPY data /data\n")
            try await Program.output(
                "sh",
                ["-ec", "mkdir data; head -c \(size) /dev/urandom >data/blob"],
                in: lab.scratch["context"]
            )
            try await body(lab)
        }
    }

    private static func push(_ lab: Lab, _ name: String, _ options: [String] = []) async throws -> ProgramResult {
        try await lab.imgbuild(
            ["--debug", "--platform", "linux/amd64", "-t", lab.reference(name), "--push"] + options
                + [lab.scratch["context"]]
        )
    }

    /// Requests of a method to upload sessions.
    private static func count(_ method: String, _ result: ProgramResult) -> Int {
        result.errors.split(separator: "\n").count { $0.contains("\(method) http") && $0.contains("/blobs/uploads/") }
    }

    /// Uploads that the registry still has open, and how many blobs it has.
    private static func stored(_ lab: Lab) async throws -> (uploads: Int, blobs: Int) {
        func count(_ path: String) async throws -> Int {
            try await Program.output("find", [lab.scratch.path, "-path", path, "-name", "data"]).split(separator: "\n")
                .count
        }
        return (try await count("*/_uploads/*"), try await count("*/docker/registry/v2/blobs/*"))
    }

    /// Reads everything that a tag leads to, with all digests checked.
    private static func expectWhole(_ lab: Lab, _ name: String) async throws {
        let target = "dir:\(lab.scratch["out"])"
        let arguments = ["copy", "--quiet", "--src-tls-verify=false", "docker://\(lab.reference(name))", target]
        let result = try await Program.run("skopeo", arguments)
        #expect(result.status == 0, "\(result)")
    }

    @Test func aNewTagGetsItsLayerInParts() async throws {
        try await Self.with { lab in
            let result = try await Self.push(lab, "early/app:1")
            #expect(result.status == 0, "\(result)")
            #expect(result.errors.contains("sending a layer while it is made"), "\(result)")
            #expect(Self.count("PATCH", result) >= 3, "\(result)")
            #expect(try await Self.stored(lab) == (uploads: 0, blobs: 3), "\(result)")
            try await Self.expectWhole(lab, "early/app:1")
            // The cache knows the layer's digest, by which the registry has it.
            let next = try await Self.push(lab, "early/app:2")
            #expect(next.status == 0, "\(next)")
            #expect(Self.count("PATCH", next) + Self.count("POST", next) <= 1, "\(next)")
        }
    }

    /// Without a cache, nothing is known of the layer before it is made: what was sent in vain is given back.
    @Test func whatTurnsOutToBeThereIsGivenUp() async throws {
        try await Self.with { lab in
            #expect(try await Self.push(lab, "early/app:1").status == 0)
            let result = try await Self.push(lab, "early/app:2", ["--cache-dir", lab.scratch["other"]])
            #expect(result.status == 0, "\(result)")
            #expect(result.errors.contains("sending a layer while it is made"), "\(result)")
            #expect(try await Self.stored(lab) == (uploads: 0, blobs: 3), "\(result)")
            try await Self.expectWhole(lab, "early/app:2")
        }
    }

    @Test(arguments: ["early/app:1", "early/app:commit"])
    func aTagThatExistsWaitsForTheDigest(_ name: String) async throws {
        try await Self.with { lab in
            let known = lab.reference("early/app:1")
            #expect(try await Self.push(lab, "early/app:1").status == 0)
            let result = try await Self.push(lab, name, ["-t", known, "--cache-dir", lab.scratch["other"]])
            #expect(result.status == 0, "\(result)")
            #expect(Self.count("PATCH", result) + Self.count("PUT", result) == 0, "\(result)")
            // One upload is opened, to see whether that is allowed.
            #expect(Self.count("POST", result) == Self.count("DELETE", result), "\(result)")
        }
    }

    /// The wrong file comes last in the layer, when most of it has been sent.
    @Test func aRejectedLayerNeverBecomesABlob() async throws {
        try await Self.with { lab in
            try await Program.output("sh", ["-ec", PlatformCheckTests.programs], in: lab.scratch["context"])
            try await Program.output(
                "sh",
                ["-ec", "cp bin/arm64/app data/zz-app"],
                in: lab.scratch["context"]
            )
            let result = try await Self.push(lab, "early/app:1")
            #expect(result.status == 1, "\(result)")
            #expect(result.errors.contains("wrong-architecture"), "\(result)")
            #expect(result.errors.contains("sending a layer while it is made"), "\(result)")
            #expect(Self.count("PUT", result) == 0, "\(result)")
            #expect(try await Self.stored(lab) == (uploads: 0, blobs: 0), "\(result)")
            #expect(!(try await lab.exists("early/app:1")))
        }
    }

    @Test func twoRegistriesEachGetIt() async throws {
        try await Self.with { lab in
            try await TestRegistry.with(in: lab.scratch) { other in
                let result = try await Self.push(lab, "early/app:1", ["-t", "\(other.host)/early/app:1"])
                #expect(result.status == 0, "\(result)")
                #expect(result.errors.contains("\(lab.registry.host)/early/app: sending a layer while"), "\(result)")
                #expect(result.errors.contains("\(other.host)/early/app: sending a layer while"), "\(result)")
                try await Self.expectWhole(lab, "early/app:1")
            }
        }
    }
}
