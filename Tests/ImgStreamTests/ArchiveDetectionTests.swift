import ImgStream
import ImgTestKit
import Testing

@Suite struct ArchiveDetectionTests {
    static let tar = "tar -cf - -C / etc/hostname"

    /// What ADD unpacks, by the command that makes it (ARC-2, ARC-3).
    @Test(arguments: [
        (tar, true),
        ("\(tar) | gzip", true),
        ("\(tar) | bzip2", true),
        ("\(tar) | xz", true),
        ("\(tar) | zstd", true),
        ("printf 'S*M\\030\\004\\000\\000\\000abcd'; \(tar) | zstd", true),
        ("tar --format=v7 -cf - -C / etc/hostname", true),
        ("tar --format=gnu -cf - -C / etc/hostname", true),
        ("\(tar) | head -c 600", true),
        (":", false),
        ("head -c 10240 /dev/zero", false),
        ("head -c 10240 /dev/zero | gzip", false),
        ("tar -cf - -T /dev/null", false),
        ("echo text", false),
        ("echo text | gzip", false),
        ("\(tar) | xz --format=lzma", false),
        ("\(tar) | gzip | gzip", false),
        ("\(tar) | bzip2 | xz", false),
        ("\(tar) | head -c 300", false),
        ("\(tar) | gzip | head -c 20", false),
        ("printf '\\037\\213'", false),
        ("printf 'PK\\003\\004xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'", false),
    ])
    func isArchive(_ command: String, _ expected: Bool) async throws {
        try await Scratch.with { scratch in
            try await Program.output("sh", ["-c", "{ \(command); } > \(scratch["f"])"])
            let source = try FileSource.open(scratch["f"])
            let first = try? TarReader(source, format: .anyCompression).next()
            #expect((first != nil) == expected)
        }
    }

    @Test(arguments: ["gzip", "bzip2", "xz", "zstd"])
    func contentsOfCompressedArchives(_ program: String) async throws {
        try await Scratch.with { scratch in
            let items: [Item] = [.directory("d"), .file("d/f", String(repeating: "text ", count: 40_000))]
            try scratch.write("t.tar", try Tar.bytes(items))
            try await Program.output("sh", ["-c", "\(program) -c t.tar > t"], in: scratch.path)
            let read = try Tar.items(FileSource.open(scratch["t"]), format: .anyCompression)
            #expect(read.map(\.header.path) == items.map(\.header.path))
            #expect(read.map(\.content) == items.map(\.content))
            // A stream that fails later is an error, not the end.
            try await Program.output("sh", ["-c", "head -c $(($(stat -c %s t) / 2)) t > cut"], in: scratch.path)
            #expect(throws: StreamError.self) {
                try Tar.items(FileSource.open(scratch["cut"]), format: .anyCompression)
            }
        }
    }
}
