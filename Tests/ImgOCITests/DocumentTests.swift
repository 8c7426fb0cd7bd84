import ImgOCI
import Testing

@Suite struct DocumentTests {
    static let digest = "sha256:" + String(repeating: "0", count: 64)

    @Test func unknownMembersOfAConfigSurvive() throws {
        let text = """
            {"created":"2026-01-02T03:04:05Z","architecture":"arm64","os":"linux","variant":"v8","docker_version":"27",\
            "config":{"Env":["A=1"],"Cmd":["x"],"Hostname":"h","Labels":{"b":"2","a":"1"}},\
            "rootfs":{"type":"layers","diff_ids":["\(Self.digest)"]},"history":[{"created_by":"x","empty_layer":true}]}
            """
        let config = try ImageConfig(parsing: Array(text.utf8))
        #expect(config.platform == Platform(os: "linux", architecture: "arm64", variant: "v8"))
        #expect(config.config.env == ["A=1"])
        #expect(config.history == [HistoryEntry(createdBy: "x", emptyLayer: true)])
        let written = String(decoding: config.encoded(), as: UTF8.self)
        #expect(written.contains(#""docker_version":"27""#))
        #expect(written.contains(#""Hostname":"h""#))
        #expect(written.contains(#""Labels":{"a":"1","b":"2"}"#))
        #expect(try ImageConfig(parsing: config.encoded()) == config)
    }

    /// Two spellings of one character, which `String` takes for equal.
    @Test func keysAreComparedByBytes() throws {
        let members = "\"caf\u{e9}\":1,\"cafe\u{301}\":2"
        let text = "{\"architecture\":\"arm64\",\"os\":\"linux\",\(members),\"config\":{\(members)}}"
        let written = try ImageConfig(parsing: Array(text.utf8)).encoded()
        #expect(
            String(decoding: written, as: UTF8.self).split(separator: members, omittingEmptySubsequences: false).count
                == 3
        )
        let object = try #require(try JSON.parse(Array("{\(members)}".utf8), refusingDuplicates: true).objectValue)
        #expect(object["caf\u{e9}"] == .integer(1))
        #expect(object["cafe\u{301}"] == .integer(2))
    }

    @Test(.timeLimit(.minutes(1))) func manyMembersTakeLittleTime() throws {
        let names = (0..<60_000).map { "\"n\($0)\":1" }.joined(separator: ",")
        let text = "{\"config\":{\(names),\(names)},\(names),\(names)}"
        let config = try ImageConfig(parsing: Array(text.utf8))
        #expect(config.extra.keys.count == 60_000)
        #expect(config.encoded().count > 1_000_000)
    }

    @Test func manifestRoundTrip() throws {
        let layer = Descriptor(mediaType: .ociLayerGzip, digest: try Digest(parsing: Self.digest), size: 5)
        let config = Descriptor(mediaType: .ociConfig, digest: try Digest(parsing: Self.digest), size: 2)
        let manifest = ImageManifest(config: config, layers: [layer], annotations: ["b": "1", "a": "2"])
        #expect(try ImageManifest(parsing: manifest.encoded()) == manifest)
        let text = String(decoding: manifest.encoded(), as: UTF8.self)
        #expect(
            text.hasPrefix(
                #"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType""#
            )
        )
        #expect(text.hasSuffix(#""annotations":{"a":"2","b":"1"}}"#))
    }

    /// PULL-5…7.
    @Test(
        arguments: [
            (#"{"schemaVersion":1}"#, nil), (#"{"schemaVersion":3,"layers":[]}"#, nil), ("[]", nil), ("nonsense", nil),
            (#"{"schemaVersion":2,"manifests":[],"layers":[]}"#, nil), (#"{"schemaVersion":2}"#, nil),
            (#"{"schemaVersion":2,"schemaVersion":2,"manifests":[]}"#, nil),
            (
                #"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","layers":[]}"#,
                MediaType.ociIndex
            ),
        ] as [(String, MediaType?)]
    )
    func confusingDocumentsAreRefused(_ text: String, _ declared: MediaType?) {
        #expect(throws: OCIError.self) { try ManifestDocument(parsing: Array(text.utf8), mediaType: declared) }
    }

    @Test(arguments: [
        (
            "application/vnd.oci.image.index.v1+json; charset=utf-8", #"{"schemaVersion":2,"manifests":[]}"#,
            MediaType.ociIndex
        ),
        ("text/plain", #"{"schemaVersion":2,"manifests":[]}"#, .ociIndex),
        (
            "application/json",
            #"{"schemaVersion":2,"layers":[],"config":{"mediaType":"application/vnd.docker.container.image.v1+json"}}"#,
            .dockerManifest
        ),
    ])
    func kindOfAManifest(_ declared: String, _ text: String, _ expected: MediaType) throws {
        let document = try ManifestDocument(parsing: Array(text.utf8), mediaType: MediaType(rawValue: declared))
        #expect(document.mediaType == expected)
    }

    /// The sizes of a whole image can be added up.
    @Test(arguments: [-1, Int64.max, (1 << 43) + 1] as [Int64])
    func sizesThatNothingHasAreRefused(_ size: Int64) throws {
        let entry = #"{"mediaType":"application/x","digest":"\#(Self.digest)","size":\#(size)}"#
        let manifest = #"{"schemaVersion":2,"config":\#(entry),"layers":[\#(entry),\#(entry)]}"#
        #expect(throws: OCIError("config has no valid size")) {
            try ImageManifest(parsing: Array(manifest.utf8), mediaType: .ociManifest)
        }
    }

    @Test func attestationsAndArtifactsAreNoImages() throws {
        let entry = Descriptor(mediaType: .ociManifest, digest: try Digest(parsing: Self.digest), size: 1)
        var attestation = entry
        attestation.platform = Platform(os: "unknown", architecture: "unknown")
        var artifact = entry
        artifact.artifactType = "application/vnd.amazon.soci.index.v2+json"
        #expect(ImageIndex(manifests: [attestation, entry, artifact]).images == [entry])
    }
}
