import ImgOCI
import ImgPlan
import ImgReport
import Testing

@Suite("ARG, ENV and LABEL")
struct VariableTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var text: String
        var labels: [String: String]
        var env: [String] = []
        var args: [String: String] = [:]
        var platform = "linux/amd64"

        var testDescription: String { text.replacing("\n", with: " / ") }
    }

    static let rows = [
        Row(
            text: "FROM scratch\nENV abc=hello\nENV abc=bye def=$abc\nENV ghi=$abc\nLABEL r=$def$ghi",
            labels: ["r": "hellobye"],
            env: ["abc=bye", "def=hello", "ghi=bye"]
        ),
        Row(text: "FROM scratch\nARG A=1 B=$A\nLABEL r=$B", labels: ["r": "1"]),
        Row(text: "FROM scratch\nENV X=env\nARG X=arg\nLABEL r=$X", labels: ["r": "arg"], env: ["X=env"]),
        Row(text: "FROM scratch\nARG X=1\nARG X\nLABEL r=$X", labels: ["r": "1"]),
        Row(text: "ARG X=g\nFROM scratch\nARG X=s\nLABEL r=$X", labels: ["r": "s"]),
        Row(text: "ARG X=g\nFROM scratch\nLABEL a=<$X>\nARG X\nLABEL r=$X", labels: ["a": "<>", "r": "g"]),
        Row(text: "ARG X=g\nFROM scratch\nARG X=s\nLABEL r=$X", labels: ["r": "b"], args: ["X": "b"]),
        Row(text: "ARG X=g\nARG X=${X}2\nFROM scratch\nARG X\nLABEL r=$X", labels: ["r": "g2"]),
        Row(text: "ARG X=g\nFROM scratch\nARG X\nLABEL r=<$X>", labels: ["r": "<>"], args: ["X": ""]),
        Row(text: "FROM scratch AS a\nARG X=1\nENV Y=2\nFROM a\nLABEL r=$X$Y", labels: ["r": "12"], env: ["Y=2"]),
        Row(
            text: "FROM scratch\nARG TARGETPLATFORM TARGETARCH\nLABEL r=$TARGETPLATFORM-$TARGETARCH",
            labels: ["r": "foo/bar-amd64"],
            args: ["TARGETPLATFORM": "foo/bar"]
        ),
        Row(
            text: "FROM scratch\nARG TARGETPLATFORM TARGETVARIANT\nLABEL r=$TARGETPLATFORM${TARGETVARIANT-unset}",
            labels: ["r": "linux/arm64"],
            platform: "linux/arm64/v8"
        ),
        Row(
            text: "FROM scratch\nARG TARGETARCH TARGETVARIANT BUILDARCH\nLABEL r=$TARGETARCH$TARGETVARIANT$BUILDARCH",
            labels: ["r": "armv7arm64"],
            platform: "linux/arm"
        ),
        Row(text: "FROM scratch\nLABEL r=<$TARGETARCH>", labels: ["r": "<>"]),
        Row(text: "FROM scratch AS last\nARG TARGETSTAGE\nLABEL r=$TARGETSTAGE", labels: ["r": "last"]),
        Row(text: "FROM scratch\nARG TARGETSTAGE\nLABEL r=$TARGETSTAGE", labels: ["r": "default"]),
        Row(text: "FROM scratch\nENV $NOPE=1", labels: [:], env: ["=1"]),
        Row(text: "FROM scratch\nARG K=Z\nARG $K=1\nLABEL z=${Z-unset}", labels: ["z": "unset"]),
        Row(text: "FROM scratch\nENV X=1 Y=2\nENV X=3", labels: [:], env: ["X=3", "Y=2"]),
        Row(text: "FROM scratch\nLABEL a=1 b=2\nLABEL a=3", labels: ["a": "3", "b": "2"]),
        Row(text: "FROM scratch\nLABEL p=$PATH", labels: ["p": String(path.dropFirst(5))]),
    ]

    static let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    @Test(arguments: rows)
    func scope(_ row: Row) throws {
        let stage = try Planning(row.text) {
            $0.buildArgs = row.args
            $0.platforms = (try? Platform(parsing: row.platform)).map { [$0] } ?? []
        }
        .target()
        #expect(stage.labels == row.labels)
        #expect(stage.config.config.env == [Self.path] + row.env)
    }

    @Test func labelsOfTheCommandLineComeLastWithoutHistory() throws {
        let stage = try Planning("FROM scratch\nLABEL a=1") { $0.labels = [("a", "2"), ("b", "3")] }.target()
        #expect(stage.labels == ["a": "2", "b": "3"])
        #expect(stage.texts == ["(LABEL a=1)"])
    }

    @Test func pathOfTheBaseStaysEvenWhenEmpty() throws {
        #expect(try Planning("FROM hollow\nENV A=1").target().config.config.env == ["PATH=", "A=1"])
        #expect(try Planning("FROM plain\nENV A=$BASE").target().config.config.env == ["PATH=/bin", "BASE=b", "A=b"])
    }

    @Test func epochReachesStagesAsResolved() throws {
        let text = "ARG SOURCE_DATE_EPOCH=context\nFROM scratch\nARG SOURCE_DATE_EPOCH\nLABEL e=$SOURCE_DATE_EPOCH"
        let planning = try Planning(text) { $0.epoch = 12 }
        #expect(planning.inputs.requestedEpoch == "context")
        #expect(try planning.target().labels == ["e": "12"])
        #expect(try Planning("FROM scratch\nARG SOURCE_DATE_EPOCH=1").inputs.requestedEpoch == nil)
        #expect(try Planning("FROM scratch") { $0.buildArgs = ["SOURCE_DATE_EPOCH": "5"] }.inputs.requestedEpoch == "5")
    }
}
