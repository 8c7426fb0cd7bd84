import ImgOCI
import ImgStream
import ImgTestKit
import Testing

@testable import ImgTree

/// Layers written by GNU tar.
@Suite struct ScanTests {
    private static let script = """
        set -eu
        mkdir -p root/etc root/usr/bin root/dir
        printf 'root:x:0:0::/:\\nbob:x:7:8::/:\\n' > root/etc/passwd
        ln root/etc/passwd root/etc/passwd2
        printf 'staff:x:50:\\n' > root/etc/group
        printf '#!/bin/sh\\n' > root/usr/bin/tool
        chmod 4755 root/usr/bin/tool
        ln -s usr/bin root/bin
        mkfifo root/fifo
        long=$(printf 'n%.0s' $(seq 1 150))
        mkdir -p "root/$long"
        head -c 300000 /dev/zero > "root/$long/$long"
        touch root/dir/.wh..wh..opq root/.wh.gone
        truncate -s 3000000 root/sparse
        """

    private func scan(
        _ arguments: [String],
        expecting: ((Scratch) async throws -> Descriptor)? = nil
    ) async throws -> LayerIndex {
        try await Scratch.with { scratch in
            try await Program.output("sh", ["-c", Self.script], in: scratch.path)
            try await Program.output(
                "tar",
                ["--sort=name", "--owner=5", "--group=70000", "--mtime=@1234567890.5"] + arguments + [
                    "-C", "root", ".",
                ],
                in: scratch.path
            )
            let expected = try await expecting?(scratch)
            return try LayerIndex.scan(FileSource.open(scratch["layer"]), expecting: expected, inspector: FirstBytes())
        }
    }

    /// Keeps the first four bytes of everything below `usr/bin`.
    private struct FirstBytes: FileInspector {
        func inspect(
            _ header: TarHeader,
            content: (Int) throws(StreamError) -> [UInt8]
        ) throws(StreamError) -> [UInt8]? {
            header.path.starts(with: "usr/bin/".utf8) ? try content(4) : nil
        }
    }

    @Test(arguments: [
        ["--format=pax", "-cf", "layer"], ["--format=gnu", "-czf", "layer"],
        ["--format=pax", "--zstd", "-cf", "layer"],
        ["--format=gnu", "--sparse", "-cf", "layer"],
    ])
    func everyFormatGivesTheSame(_ arguments: [String]) async throws {
        let index = try await scan(arguments)
        let again = try LayerIndex(decoding: index.encoded())
        let tree = FileTree(layers: [LayerProvider(index: again)])
        let tool = try #require(try await tree.lookup(bytes("usr/bin/tool")))
        #expect(tool.mode == 0o4755 && tool.uid == 5 && tool.gid == 70_000 && tool.size == 10)
        #expect(tool.mtime.seconds == 1_234_567_890)
        #expect(tool.note == bytes("#!/b"))
        let long = String(repeating: "n", count: 150)
        #expect(try await tree.lookup(bytes("\(long)/\(long)"))?.size == 300_000)
        #expect(try await tree.lookup(bytes("sparse"))?.size == 3_000_000)
        #expect(try await tree.lookup(bytes("bin"))?.linkTarget == bytes("usr/bin"))
        #expect(try await tree.lookup(bytes("fifo"))?.kind == .fifo)
        let link = try #require(try await tree.lookup(bytes("etc/passwd2")))
        #expect(link.origin == (try await tree.lookup(bytes("etc/passwd")))?.origin)
        let kept = try #require(try await tree.keptContent(of: link))
        #expect(Accounts.user(named: "bob", inPasswd: kept)?.gid == 8)
        #expect(again.content(of: bytes("etc/group")) == bytes("staff:x:50:\n"))
        #expect(try await tree.lookup(bytes(".wh.gone")) == nil)
    }

    @Test func markersHideLowerLayers() async throws {
        let index = try await scan(["--format=pax", "-cf", "layer"])
        let lower = try layer("d dir", "f dir/x", "f gone", "f stays")
        let tree = FileTree(layers: [LayerProvider(index: lower), LayerProvider(index: index)])
        #expect(try await tree.lookup(bytes("dir/x")) == nil)
        #expect(try await tree.lookup(bytes("gone")) == nil)
        #expect(try await tree.lookup(bytes("stays")) != nil)
    }

    /// The descriptor of the layer as `sha256sum` and `stat` see it.
    private func descriptor(_ scratch: Scratch) async throws -> Descriptor {
        let sum = try await Program.output("sha256sum", [scratch["layer"]])
        let size = try await Program.output("stat", ["-c", "%s", scratch["layer"]])
        return Descriptor(
            mediaType: .ociLayerGzip,
            digest: try Digest(parsing: "sha256:" + sum.prefix(64)),
            size: Int64(size.prefix { $0 != "\n" }) ?? 0
        )
    }

    @Test func whatWasAnnouncedIsChecked() async throws {
        let arguments = ["--format=pax", "-czf", "layer"]
        #expect(try await scan(arguments) { try await descriptor($0) }.count > 10)
        await #expect(throws: StreamError.self) {
            try await scan(arguments) { scratch in
                var wrong = try await descriptor(scratch)
                wrong.digest = Digest(sha256: [UInt8](repeating: 0, count: 32))
                return wrong
            }
        }
        await #expect(throws: StreamError.self) {
            try await scan(arguments) { scratch in
                var wrong = try await descriptor(scratch)
                wrong.size -= 1
                return wrong
            }
        }
    }

    @Test func theDiffIDIsChecked() async throws {
        try await Scratch.with { scratch in
            try await Program.output(
                "sh",
                ["-c", Self.script + "\ntar -cf layer -C root .\ngzip -k layer"],
                in: scratch.path
            )
            let sum = try await Program.output("sha256sum", [scratch["layer"]])
            let diffID = try Digest(parsing: "sha256:" + sum.prefix(64))
            _ = try LayerIndex.scan(FileSource.open(scratch["layer.gz"]), expecting: nil, diffID: diffID)
            #expect(throws: StreamError.self) {
                let wrong = Digest(sha256: [UInt8](repeating: 0, count: 32))
                return try LayerIndex.scan(FileSource.open(scratch["layer.gz"]), expecting: nil, diffID: wrong)
            }
        }
    }

    /// The rest is read from the layer if somebody asks for it.
    @Test func accountFilesAreKeptUpToALimit() throws {
        let sink = BytesSink()
        var writer = TarWriter(into: sink)
        let content = [UInt8](repeating: 0x0a, count: 64 << 10)
        for number in 0..<600 {
            var header = header("f \(number)/passwd")
            header.size = Int64(content.count)
            try writer.append(header)
            try writer.write(content.span)
        }
        try writer.finish()
        let index = try LayerIndex.scan(BytesSource(sink.bytes), expecting: nil)
        #expect(index.count == 600)
        #expect(index.attachments.values.reduce(0) { $0 + $1.size } == 32 << 20)
        #expect(index.content(of: bytes("511/passwd")) == content)
        #expect(index.content(of: bytes("512/passwd")) == nil)
    }

    @Test func aTruncatedLayerIsAnError() async throws {
        try await Scratch.with { scratch in
            try await Program.output("sh", ["-c", Self.script + "\ntar -czf layer -C root ."], in: scratch.path)
            try await Program.output("truncate", ["-s", "-20", scratch["layer"]])
            #expect(throws: StreamError.self) {
                try LayerIndex.scan(FileSource.open(scratch["layer"]), expecting: nil)
            }
        }
    }
}
