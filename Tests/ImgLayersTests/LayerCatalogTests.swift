import ImgOCI
import ImgStore
import ImgStream
import ImgTasks
import ImgTestKit
import Testing

@testable import ImgLayers

@Suite("Layers of other machines") struct LayerCatalogTests {
    private static func spec(_ times: Int64, content: String = "hello") -> LayerSpec {
        var attributes = TarHeader(path: Array("etc/capable".utf8), kind: .file)
        attributes.xattrs = [("user.b", Array("2".utf8)), ("user.a", [0, 255])]
        var long = TarHeader(path: Array((String(repeating: "d/", count: 140) + "ü").utf8), kind: .file)
        long.uid = 3_000_000
        var link = TarHeader(path: Array("etc/link".utf8), kind: .symlink)
        link.linkTarget = Array(String(repeating: "x", count: 120).utf8)
        var hard = TarHeader(path: Array("etc/hard".utf8), kind: .hardlink)
        hard.linkTarget = Array("etc/capable".utf8)
        var device = TarHeader(path: Array("dev/null".utf8), kind: .charDevice)
        (device.deviceMajor, device.deviceMinor) = (1, 3)
        var odd = TarHeader(path: [0x61, 0xff], kind: .fifo)
        odd.mode = 0o4755
        let headers = [
            TarHeader(path: Array("etc".utf8), kind: .directory), attributes, long, link, hard, device, odd,
        ]
        var spec = LayerSpec()
        for (number, var header) in headers.enumerated() {
            header.mtime = Timestamp(seconds: times + Int64(number))
            guard header.kind == .file else {
                spec.entries.append(LayerEntry(header: header))
                continue
            }
            let bytes = Array("\(content) \(number)".utf8)
            header.size = Int64(bytes.count)
            spec.entries.append(LayerEntry(header: header, content: .bytes(bytes)))
        }
        return spec
    }

    /// What is read back from a blob is what the sources give.
    @Test func contentIsTheSameFromEitherSide() throws {
        let sink = BytesSink()
        let writer = LayerWriter(settings: try CompressionSettings(format: .gzip, level: nil), workers: 1, into: sink)
        let hasher = LayerHasher()
        let sinks = EntryWriting.Sinks(layer: writer, timeless: hasher)
        _ = try EntryWriting.write(Self.spec(1_700_000_000), into: sinks, inspector: nil)
        _ = try writer.finish()
        let fromBlob = try TimelessContent.digest(of: BytesSource(sink.bytes))
        #expect(try fromBlob == EntryWriting.diffID(Self.spec(0), ignoringTimes: true))
        #expect(try fromBlob == hasher.finish())
        #expect(try fromBlob != EntryWriting.diffID(Self.spec(0, content: "other"), ignoringTimes: true))
    }

    /// Builds a layer on one machine, and asks for another on a second one that shares nothing but the catalog.
    private static func second(
        _ first: LayerSpec,
        _ second: LayerSpec,
        acceptsOtherTimes: Bool,
        holds: Bool = true
    ) async throws -> (first: BuiltLayer, second: BuiltLayer) {
        try await Scratch.with { scratch in
            func builder(_ name: String, _ shared: SharedLayers?) throws -> LayerBuilder {
                LayerBuilder(
                    store: try ContentStore.open(at: scratch[name], fallback: scratch.path),
                    pool: Scenario.pool,
                    settings: try CompressionSettings(format: .gzip, level: nil),
                    usesCache: true,
                    workers: 1,
                    now: Timestamp(seconds: 2_000_000_000),
                    inspector: nil,
                    shared: shared
                )
            }
            let maker = try builder("first", nil)
            let order = try await maker.order(first)
            let made = try await maker.build(order)
            // What shows how far a layer is.
            #expect(first.contentSize > 0)
            #expect(order.done.value == first.contentSize)
            let entry = try await maker.catalogEntry(of: made, first)
            let copy = try #require(LayerCatalog.Entry(json: try JSON.parse(entry.json.encoded())))
            #expect(copy == entry)
            let shared = SharedLayers(catalog: LayerCatalog([copy]), acceptsOtherTimes: acceptsOtherTimes) { _ in holds
            }
            return (made, try await builder("second", shared).build(second))
        }
    }

    @Test func aLayerOfTheSameFilesIsTaken() async throws {
        for acceptsOtherTimes in [true, false] {
            let (first, second) = try await Self.second(
                Self.spec(5),
                Self.spec(5),
                acceptsOtherTimes: acceptsOtherTimes
            )
            #expect(second.shared != nil)
            #expect(second.path == nil)
            #expect(second.descriptor == first.descriptor)
            #expect(second.diffID == first.diffID)
        }
    }

    /// The files of a layer would else be taken for inspected.
    @Test func layersThatWereLookedAtDifferentlyAreLeftOut() async throws {
        try await Scratch.with { scratch in
            let builder = LayerBuilder(
                store: try ContentStore.open(at: scratch["cache"], fallback: scratch.path),
                pool: Scenario.pool,
                settings: try CompressionSettings(format: .gzip, level: nil),
                usesCache: true,
                workers: 1,
                now: Timestamp(seconds: 2_000_000_000),
                inspector: nil
            )
            let entry = try await builder.catalogEntry(of: builder.build(Self.spec(5)), Self.spec(5))
            var object = try #require(entry.json.objectValue)
            #expect(LayerCatalog.Entry(json: .object(object)) == entry)
            for version in [JSON?.none, .integer(LayerRecord.version - 1), .integer(LayerRecord.version + 1)] {
                object["recordVersion"] = version
                #expect(LayerCatalog.Entry(json: .object(object)) == nil)
            }
        }
    }

    @Test func otherTimesCountOnlyWhenTheyAreFixed() async throws {
        let (first, second) = try await Self.second(Self.spec(5), Self.spec(6), acceptsOtherTimes: true)
        #expect(second.descriptor == first.descriptor)
        let (other, exact) = try await Self.second(Self.spec(5), Self.spec(6), acceptsOtherTimes: false)
        #expect(exact.shared == nil)
        #expect(exact.descriptor != other.descriptor)
    }

    @Test func otherContentIsBuilt() async throws {
        let (first, second) = try await Self.second(
            Self.spec(5),
            Self.spec(5, content: "HELLO"),
            acceptsOtherTimes: true
        )
        #expect(second.shared == nil)
        #expect(second.descriptor != first.descriptor)
    }

    @Test func aBlobThatIsGoneIsBuilt() async throws {
        let (first, second) = try await Self.second(
            Self.spec(5),
            Self.spec(5),
            acceptsOtherTimes: true,
            holds: false
        )
        #expect(second.shared == nil)
        #expect(second.path != nil)
        #expect(second.descriptor == first.descriptor)
    }
}
