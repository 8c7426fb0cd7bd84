import ImgOCI
import ImgReport
import Testing

@testable import ImgBuilder

@Suite struct UnusedAnnotationsTests {
    private static let amd64 = Platform(os: "linux", architecture: "amd64")
    private static let arm64 = Platform(os: "linux", architecture: "arm64")

    private static func refusal(
        _ level: AnnotationRequest.Level,
        _ platform: Platform? = nil,
        hasIndex: Bool
    ) -> BuildError? {
        let annotations = UnusedAnnotations(
            annotations: [AnnotationRequest(level: level, platform: platform, key: "k", value: "v")],
            platforms: [amd64],
            hasIndex: hasIndex
        )
        do { try annotations.refuse() } catch { return error }
        return nil
    }

    @Test(arguments: [AnnotationRequest.Level.index, .indexDescriptor])
    func anIndexIsNeeded(_ level: AnnotationRequest.Level) {
        let error = Self.refusal(level, hasIndex: false)
        #expect(error?.code == .usage)
        #expect(
            error?.diagnostics.map(\.message) == ["index annotations not supported for single platform export"]
        )
        #expect(error?.diagnostics.first?.notes == ["annotation: \(level.rawValue):k"])
        #expect(Self.refusal(level, hasIndex: true) == nil)
    }

    @Test func thePlatformMustBeBuilt() {
        let error = Self.refusal(.manifest, Self.arm64, hasIndex: true)
        #expect(error?.diagnostics.map(\.message) == ["invalid annotation: no platform linux/arm64 found in source"])
        #expect(error?.diagnostics.first?.notes == ["annotation: manifest:k", "built: linux/amd64"])
        #expect(Self.refusal(.manifest, Self.amd64, hasIndex: true) == nil)
        #expect(Self.refusal(.manifest, hasIndex: false) == nil)
    }
}
