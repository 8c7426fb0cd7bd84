import ImgOCI
import ImgReport
import Testing

@testable import ImgBuilder

@Suite struct UnusedAnnotationsTests {
    private static let amd64 = Platform(os: "linux", architecture: "amd64")
    private static let arm64 = Platform(os: "linux", architecture: "arm64")

    private static func warnings(
        _ level: AnnotationRequest.Level,
        _ platform: Platform? = nil,
        hasIndex: Bool
    ) -> [String] {
        UnusedAnnotations(
            annotations: [AnnotationRequest(level: level, platform: platform, key: "k", value: "v")],
            platforms: [amd64],
            hasIndex: hasIndex
        )
        .warnings.map(\.message)
    }

    @Test func anIndexIsNeeded() {
        let message = "annotation index:k is not written: one platform makes no index"
        #expect(Self.warnings(.index, hasIndex: false) == [message])
        #expect(Self.warnings(.indexDescriptor, hasIndex: false).count == 1)
        #expect(Self.warnings(.index, hasIndex: true).isEmpty)
        #expect(Self.warnings(.manifest, hasIndex: false).isEmpty)
    }

    @Test func thePlatformMustBeBuilt() {
        let message = "annotation manifest:k is not written: linux/arm64 is not built, only linux/amd64"
        #expect(Self.warnings(.manifest, Self.arm64, hasIndex: true) == [message])
        #expect(Self.warnings(.manifest, Self.amd64, hasIndex: true).isEmpty)
    }
}
