import Glibc
import ImgOCI
import ImgReport
import ImgTestKit
import Testing

@testable import ImgExport

@Suite("Blobs of a layout") struct LayoutBlobTests {
    /// What cannot be opened is not missing: a socket, as everybody can make one.
    @Test(arguments: [("socket", BuildError.Code.failure), ("none", .notFound), ("file/none", .notFound)])
    func absentIsNotUnreadable(_ name: String, _ code: BuildError.Code) async throws {
        try await Scratch.with { scratch in
            try scratch.write("file", "")
            unsafe mknod(scratch["socket"], S_IFSOCK | 0o600, 0)
            let descriptor = LayoutTests.descriptor(.ociLayerTar, [])
            let error = #expect(throws: BuildError.self) {
                try VerifyingFileReader(path: scratch[name], descriptor: descriptor, place: "layout")
            }
            #expect(error?.code == code)
        }
    }
}
