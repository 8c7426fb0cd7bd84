import ImgOCI
import ImgPlan
import ImgReport
import Testing

@Suite("History of an image")
struct HistoryTests {
    /// `L1` is a layer made in second 1, `L` a layer without a time, `M` an entry without a layer.
    private func assemble(
        _ steps: String,
        base: [HistoryEntry] = [],
        layers: Int? = nil,
        epoch: Int64? = nil
    ) -> [HistoryEntry] {
        let range = SourceRange(file: SourceFile(name: "f", bytes: []), lowerBound: 0, upperBound: 0)
        let parsed = steps.split(separator: " ")
            .map { word in
                let action: Step.Action = word == "M" ? .metadata : .workdir(WorkdirStep(path: "/", user: ""))
                return (
                    step: Step(range: range, action: action, createdBy: String(word)),
                    created: Int64(word.dropFirst()).map { Timestamp(seconds: $0) }
                )
            }
        return History.assemble(
            base: base,
            baseLayers: layers,
            steps: parsed,
            epoch: epoch.map { Timestamp(seconds: $0) }
        )
    }

    private func seconds(_ history: [HistoryEntry]) -> [Int64?] {
        history.map { $0.created.flatMap(Timestamp.init(rfc3339:))?.seconds }
    }

    @Test(
        arguments: [
            ("M L1 M L2 M", [1, 1, 1, 2, 2]), ("L1 M L2", [1, 2, 2]), ("M M", [nil, nil]), ("L1 M", [1, 1]), ("", []),
            ("L1 M M", [1, 1, 1]), ("L1 M L3 M L2 M", [1, 3, 3, 3, 2, 2]),
        ] as [(String, [Int64?])]
    )
    func times(_ steps: String, _ expected: [Int64?]) {
        #expect(seconds(assemble(steps)) == expected)
    }

    @Test func baseEntriesStayAndLendTheirTime() {
        let base = [HistoryEntry(created: "1970-01-01T00:00:09Z", createdBy: "b", author: "a", comment: "c")]
        let history = assemble("M", base: base)
        #expect(history[0] == base[0])
        #expect(
            history[1]
                == HistoryEntry(
                    created: "1970-01-01T00:00:09Z",
                    createdBy: "M",
                    comment: "buildkit.dockerfile.v0",
                    emptyLayer: true
                )
        )
        #expect(History.created(history) == "1970-01-01T00:00:09Z")
        #expect(History.created(assemble("M M")) == nil)
    }

    @Test func epochIsTheTimeOfEveryNewEntry() {
        let base = [HistoryEntry(created: "1970-01-01T00:00:09Z", createdBy: "b"), HistoryEntry(createdBy: "timeless")]
        #expect(seconds(assemble("M L1 L M", base: base, epoch: 5)) == [9, nil, 5, 5, 5, 5])
    }

    @Test func addedEntriesHaveTimesToo() {
        let base = [HistoryEntry(created: "1970-01-01T00:00:09Z", createdBy: "b")]
        #expect(seconds(assemble("L7 M", base: base, layers: 3, epoch: 5)) == [9, 5, 5, 5, 5])
        #expect(seconds(assemble("L7 M", base: base, layers: 3)) == [9, 7, 7, 7, 7])
    }

    /// Entries that were changed are no longer the base's own, nor are those after them.
    @Test func changedEntriesAreNoLaterThanTheEpoch() {
        let base = [9, 3, 9].map { HistoryEntry(created: "1970-01-01T00:00:0\($0)Z", createdBy: "b\($0)") }
        #expect(seconds(assemble("L7", base: base, layers: 2, epoch: 5)) == [5, 3, 5, 5])
        #expect(seconds(assemble("L7", base: base, layers: 3, epoch: 5)) == [9, 3, 9, 5])
    }

    @Test func entriesAgreeWithTheLayersOfTheBase() {
        let missing = assemble("L1", base: [HistoryEntry(createdBy: "b", emptyLayer: true)], layers: 2)
        #expect(missing.map(\.emptyLayer) == [true, false, false, false])
        #expect(
            missing.map(\.comment) == [
                nil, "buildkit.exporter.image.v0", "buildkit.exporter.image.v0", "buildkit.dockerfile.v0",
            ]
        )
        // A context that is a base stands in no instruction.
        let context = Step(
            range: SourceRange(file: SourceFile(name: "Dockerfile", bytes: []), lowerBound: 0, upperBound: 0),
            action: .metadata,
            createdBy: ""
        )
        let entry = History.assemble(base: [], steps: [(step: context, created: nil)], epoch: nil)
        #expect(entry.map(\.comment) == ["buildkit.exporter.image.v0"])
        let surplus = assemble("L1", base: [HistoryEntry(), HistoryEntry(), HistoryEntry()], layers: 1)
        #expect(surplus.map(\.emptyLayer) == [true, true, false, false])
    }
}
