import Glibc
import ImgDockerfile
import ImgStream
import ImgTree

/// What libFuzzer calls with one input after another; `$FUZZ_TARGET` says who reads it.
@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    target.read(bytes)
    return 0
}

private let target: Target = {
    let name = unsafe getenv("FUZZ_TARGET").map { unsafe String(cString: $0) } ?? ""
    guard let target = Target(rawValue: name) else {
        fatalError("FUZZ_TARGET is \"\(name)\": one of \(Target.allCases.map(\.rawValue))")
    }
    return target
}()

/// Parts of the program that read what others wrote.
private enum Target: String, CaseIterable {
    case dockerfile, expansion, ignore, inflate, archive, layer

    /// Every input ends with a result or with a thrown error.
    func read(_ bytes: [UInt8]) {
        switch self {
        case .dockerfile: FuzzEntry.dockerfile(bytes)
        case .expansion: FuzzEntry.expansion(bytes)
        case .ignore: FuzzEntry.ignore(bytes)
        case .inflate: try? Self.inflate(bytes)
        case .archive: try? Self.readArchive(bytes)
        case .layer: _ = try? LayerIndex.scan(BytesSource(bytes), expecting: nil)
        }
    }

    private static func inflate(_ bytes: [UInt8]) throws {
        try Inflater(BytesSource(bytes), limit: contentLimit).drain()
    }

    /// As ADD does.
    private static func readArchive(_ bytes: [UInt8]) throws {
        let reader = try TarReader(BytesSource(bytes), format: .anyCompression)
        while let header = try reader.next() {
            precondition(header.size >= 0 && header.mode <= 0o7777)
            var rest = contentLimit
            while rest > 0 {
                let chunk = try reader.readChunk(64 << 10)
                if chunk.isEmpty { break }
                rest -= Int64(chunk.count)
            }
        }
    }

    /// A bomb is no crash: the readers stop at a limit of their own, which no fuzzer has the time to reach.
    private static let contentLimit: Int64 = 4 << 20
}
