import ImgOCI
import ImgReport
import Testing

@testable import ImgBuilder

@Suite struct UnusedAnnotationsTests {
    private static let amd64 = Platform(os: "linux", architecture: "amd64")
    private static let arm64 = Platform(os: "linux", architecture: "arm64")

    private static func annotations(
        _ level: AnnotationRequest.Level,
        _ platform: Platform? = nil,
        hasIndex: Bool
    ) -> UnusedAnnotations {
        UnusedAnnotations(
            annotations: [AnnotationRequest(level: level, platform: platform, key: "k", value: "v")],
            platforms: [amd64],
            hasIndex: hasIndex
        )
    }

    private static func refusal(
        _ level: AnnotationRequest.Level,
        _ platform: Platform? = nil,
        hasIndex: Bool
    ) -> BuildError? {
        do { try annotations(level, platform, hasIndex: hasIndex).refuse() } catch { return error }
        return nil
    }

    @Test(arguments: [AnnotationRequest.Level.index, .indexDescriptor])
    func anIndexIsNeeded(_ level: AnnotationRequest.Level) {
        let warnings = Self.annotations(level, hasIndex: false).warnings
        #expect(
            warnings.map(\.message) == ["annotation \(level.rawValue):k is not written: one platform makes no index"]
        )
        #expect(Self.refusal(level, hasIndex: false) == nil)
        #expect(Self.annotations(level, hasIndex: true).warnings.isEmpty)
        #expect(Self.annotations(.manifest, hasIndex: false).warnings.isEmpty)
    }

    @Test func thePlatformMustBeBuilt() {
        let error = Self.refusal(.manifest, Self.arm64, hasIndex: true)
        #expect(error?.diagnostics.map(\.message) == ["invalid annotation: no platform linux/arm64 found in source"])
        #expect(error?.diagnostics.first?.notes == ["annotation: manifest:k", "built: linux/amd64"])
        #expect(Self.refusal(.manifest, Self.amd64, hasIndex: true) == nil)
        #expect(Self.refusal(.manifest, hasIndex: false) == nil)
    }
}
