import ImgTestKit
import Testing

/// Imports between our targets go down only (`docs/architecture.md`).
@Suite struct ImportTests {
    /// From the top; a target may import what stands in a lower row.
    static let rows: [[String]] = [
        ["imgbuild"],
        ["ImgCLI"],
        ["ImgBuilder"],
        ["ImgExport", "ImgChecks"],
        ["ImgLayers"],
        ["ImgPlan", "ImgRegistry"],
        ["ImgTree"],
        ["ImgDockerfile", "ImgStore", "ImgHTTP", "ImgCredentials"],
        ["ImgReport", "ImgStream"],
        ["ImgOCI", "ImgTasks"],
        ["CImgCurlShims"],
        ["CImgArchive", "CImgZlib", "CImgCrypto", "CImgCurl", "CImgDeflate", "CImgZstd"],
    ]

    @Test func importsGoDown() async throws {
        let listing = try await Program.output(
            "grep",
            ["-rnE", "import (C?Img[A-Za-z]*|imgbuild)", "Sources", "--include=*.swift"],
            in: Project.root
        )
        var seen: Set<String> = []
        for line in listing.split(separator: "\n") {
            let path = line.prefix { $0 != ":" }.split(separator: "/")
            guard path.count >= 2, let name = line.split(separator: " ").last.map(String.init) else { continue }
            let importer = String(path[1])
            seen.insert(importer)
            guard let above = Self.rows.firstIndex(where: { $0.contains(importer) }),
                let below = Self.rows.firstIndex(where: { $0.contains(name) })
            else {
                Issue.record("\(importer) or \(name) has no row")
                continue
            }
            #expect(above < below, "\(line)")
        }
        #expect(seen.count > 10)
    }

    /// One target owns each C library.
    @Test(arguments: [
        ("CImgCurl", "ImgHTTP"), ("CImgCurlShims", "ImgHTTP"), ("CImgArchive", "ImgStream"), ("CImgZlib", "ImgStream"),
        ("CImgDeflate", "ImgStream"), ("CImgZstd", "ImgStream"), ("CImgCrypto", "ImgStream"),
    ])
    func oneOwner(_ library: String, _ owner: String) async throws {
        let files = try await Program.output(
            "grep",
            ["-rlE", "import \(library)$", "Sources", "--include=*.swift"],
            in: Project.root
        )
        #expect(!files.isEmpty)
        #expect(files.split(separator: "\n").allSatisfy { $0.hasPrefix("Sources/\(owner)/") }, "\(files)")
    }

    /// Start-up time and binary size: none of our own code uses Foundation.
    @Test func nobodyImportsFoundation() async throws {
        let result = try await Program.run(
            "grep",
            ["-rnE", "^ *(package |public |internal )?import Foundation", "Sources"],
            in: Project.root
        )
        #expect(result.status == 1, "\(result)")
    }
}
