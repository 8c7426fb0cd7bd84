import ImgOCI
import ImgTestKit
import Testing

/// Images of single platforms, as two machines build them, become one index; and what an index is can be looked at.
@Suite struct IndexToolTests {
    /// A registry with `app:amd64` and `app:arm64`.
    private static func with(_ body: @Sendable @escaping (Lab) async throws -> Void) async throws {
        try await Lab.with(bases: ["busybox"]) { lab in
            let context = try lab.context(from: lab.reference("base/busybox:1"))
            for architecture in ["amd64", "arm64"] {
                let image = lab.reference("app:\(architecture)")
                try await lab.build(["--platform", "linux/\(architecture)", "-t", image, "--push", context])
            }
            try await body(lab)
        }
    }

    private static func index(_ lab: Lab, _ name: String) async throws -> ImageIndex {
        let image = "docker://\(lab.reference(name))"
        return try ImageIndex(
            parsing: Array(try await lab.skopeo(["inspect", "--raw", "--tls-verify=false", image]).utf8)
        )
    }

    private static func platforms(_ index: ImageIndex) -> [String] {
        index.manifests.compactMap { $0.platform?.description }
    }

    @Test func joins() async throws {
        try await Self.with { lab in
            let (amd64, arm64) = (lab.reference("app:amd64"), lab.reference("app:arm64"))
            let dry = try await lab.imgbuild([
                "index", "create", "--dry-run", "-t", lab.reference("app:1"), amd64, arm64,
            ])
            #expect(dry.status == 0, "\(dry)")
            #expect(Self.platforms(try ImageIndex(parsing: Array(dry.output.utf8))) == ["linux/amd64", "linux/arm64"])
            #expect(try await !lab.exists("app:1"))
            let digest = try await lab.build([
                "index", "create", "-q", "--metadata-file", "meta.json", "--annotation", "org.example.run=12", "-t",
                lab.reference("app:1"), "-t", lab.reference("other/app:1"), amd64, arm64,
            ])
            #expect(try lab.scratch.read("meta.json").contains(digest))
            let index = try await Self.index(lab, "app:1")
            #expect(Self.platforms(index) == ["linux/amd64", "linux/arm64"])
            #expect(index.annotations["org.example.run"] == "12")
            #expect(try await Self.index(lab, "other/app:1") == index)
            // The images are those that were there.
            let served = try await lab.digest(of: arm64)
            #expect(index.manifests[1].digest.description == served)
        }
    }

    @Test func appends() async throws {
        try await Self.with { lab in
            let image = lab.reference("app:2")
            try await lab.build(["index", "create", "-t", image, lab.reference("app:amd64")])
            try await lab.build(["index", "create", "--append", "-t", image, lab.reference("app:arm64")])
            #expect(Self.platforms(try await Self.index(lab, "app:2")) == ["linux/amd64", "linux/arm64"])
            // What comes for a platform that is there takes its place.
            try await lab.build(["index", "create", "--append", "-t", image, lab.reference("app:arm64")])
            #expect(try await Self.index(lab, "app:2").manifests.count == 2)
            // What the index says of itself stays, and a tag that isn't there is no obstacle.
            let (new, note) = (lab.reference("app:new"), "org.example.")
            for (architecture, run) in [("amd64", "a=1"), ("arm64", "b=2")] {
                try await lab.build([
                    "index", "create", "--append", "--annotation", note + run, "-t", new,
                    lab.reference("app:\(architecture)"),
                ])
            }
            let index = try await Self.index(lab, "app:new")
            #expect(Self.platforms(index) == ["linux/amd64", "linux/arm64"])
            #expect(index.annotations == ["org.example.a": "1", "org.example.b": "2"])
            // Platforms choose from the sources, not from what is there.
            try await lab.build([
                "index", "create", "--append", "-p", "linux/arm64", "-t", image, lab.reference("app:arm64"),
            ])
            #expect(try await Self.index(lab, "app:2").manifests.count == 2)
            let untagged = try await lab.imgbuild([
                "index", "create", "--append", "--dry-run", lab.reference("app:arm64"),
            ])
            #expect(untagged.status == 2, "\(untagged)")
        }
    }

    @Test func refusesWhatContradictsItself() async throws {
        try await Self.with { lab in
            // An index that says arm64 of an image for amd64.
            try await lab.build(["index", "create", "-t", lab.reference("app:3"), lab.reference("app:amd64")])
            let url = "http://\(lab.reference("app:3").replacing("/app:3", with: "/v2/app/manifests"))"
            let type = MediaType.ociIndex.rawValue
            let script = """
                curl -sf -H 'Accept: \(type)' \(url)/3 | sed 's/"architecture":"amd64"/"architecture":"arm64"/' |
                    curl -sf -X PUT -H 'Content-Type: \(type)' --data-binary @- \(url)/lying
                """
            try await Program.output("bash", ["-eo", "pipefail", "-c", script], environment: ["NO_PROXY": "*"])
            let result = try await lab.imgbuild([
                "index", "create", "-t", lab.reference("app:4"), lab.reference("app:lying"),
            ])
            #expect(result.status == 1, "\(result)")
            let words = "is listed for linux/arm64 but its configuration says linux/amd64"
            #expect(result.errors.contains(words), "\(result)")
            #expect(try await !lab.exists("app:4"))
            let twice = try await lab.imgbuild([
                "index", "create", "-t", lab.reference("app:4"), lab.reference("app:amd64"), lab.reference("app:3"),
            ])
            #expect(twice.status == 2, "\(twice)")
            #expect(twice.errors.contains("linux/amd64 comes from two sources"), "\(twice)")
            let untagged = try await lab.imgbuild(["index", "create", lab.reference("app:amd64")])
            #expect(untagged.status == 2, "\(untagged)")
        }
    }

    @Test func inspectShowsItInThreeForms() async throws {
        try await Self.with { lab in
            let image = lab.reference("app:5")
            let digest = try await lab.build([
                "index", "create", "-q", "-t", image, lab.reference("app:amd64"), lab.reference("app:arm64"),
            ])
            let text = try await lab.imgbuild(["inspect", image])
            #expect(text.output.hasPrefix("\(image)\n  digest    \(digest)\n"), "\(text)")
            #expect(text.output.contains("\n  linux/arm64\n"), "\(text)")
            #expect(text.errors.isEmpty, "\(text)")
            let raw = try await lab.imgbuild(["inspect", "--raw", image])
            #expect(try await Lab.digest(ofText: raw.output) == digest)
            let json = try await lab.imgbuild(["inspect", "--json", image])
            let filter = "[.digest, .images[].platform, (.images[0].layers | length), .images[1].config.architecture]"
            let parts = try await Program.output("jq", ["-c", filter], input: json.output)
            #expect(parts == "[\"\(digest)\",\"linux/amd64\",\"linux/arm64\",2,\"arm64\"]\n")
            let absent = try await lab.imgbuild(["inspect", lab.reference("app:nowhere")])
            #expect(absent.status == 4, "\(absent)")
            #expect(absent.output.isEmpty)
        }
    }
}
