import ImgOCI
import Testing

@testable import ImgLayers

@Suite struct SettledFileTests {
    private static let now = Timestamp(seconds: 1000, nanoseconds: 50_000_000)

    /// Seconds and nanoseconds of the last change, and whether the file is settled.
    @Test(arguments: [
        (Int64(999), Int32(900_000_000), true), (999, 949_999_999, true), (999, 950_000_000, false),
        (999, 999_999_999, false), (1000, 50_000_000, false), (1001, 1, false), (998, 0, true), (999, 0, false),
        (1000, 0, false),
    ])
    func aFileIsSettledWhenLaterChangesShow(seconds: Int64, nanoseconds: Int32, expected: Bool) {
        let changed = Timestamp(seconds: seconds, nanoseconds: nanoseconds)
        let identity = FileIdentity(device: 1, inode: 1, modified: .epoch, changed: changed)
        #expect(identity.isSettled(at: Self.now) == expected)
    }
}
