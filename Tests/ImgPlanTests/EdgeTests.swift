import ImgOCI
import ImgPlan
import ImgReport
import Testing

@Suite("Edges")
struct EdgeTests {
    @Test func overriddenDefaultsAreNotExpanded() throws {
        let faulty = "ARG X=\"${Y:?need}\""
        #expect(failure("FROM scratch\n\(faulty)") { $0.buildArgs = ["X": "1"] }.message == "no error")
        #expect(failure("\(faulty)\nFROM scratch") { $0.buildArgs = ["X": "1"] }.message == "no error")
    }

    @Test func unusedArgumentsDoNotFailTheBuild() {
        #expect(failure("# check=error=true\nFROM scratch") { $0.buildArgs = ["Q": "1"] }.message == "no error")
    }

    @Test func partialPlatformsAreCompletedByTheBuildPlatform() throws {
        let planning = try Planning("FROM --platform=linux plain")
        #expect(try planning.plan().asked[0][0].platform.architecture == "arm64")
    }

    /// Deep chains must neither recurse nor take quadratic time.
    @Test(.timeLimit(.minutes(1))) func manyStages() throws {
        var text = "FROM scratch AS s0\nONBUILD LABEL a=1\n"
        for index in 1..<4000 { text += "FROM s\(index - 1) AS s\(index)\n" }
        let platform = try Planning(text).plan().plan.platforms[0]
        #expect(platform.stages.count == 4000)
        #expect(platform.lineage(of: 3999).count == 4000)
        #expect(platform.stages[3999].labels == ["a": "1"])
    }

    @Test func stagesOfMountsAreCheckedToo() throws {
        let text = "FROM scratch AS a\nENV A=$NOPE\nFROM scratch AS b\nRUN --mount=from=a,target=/x true"
        let planning = try Planning(text) {
            $0.purpose = .check
            $0.target = "b"
        }
        #expect(try planning.findings().count == 1)
    }

    @Test func emptyWorkdirStays() throws {
        let stage = try Planning("FROM plain\nWORKDIR $NOPE").target()
        #expect(stage.config.config.workingDir == "/")
        #expect(stage.texts == ["(WORKDIR /)"])
    }

    @Test func plansAreTheSameEveryTime() throws {
        let text = "FROM plain AS a\nENV A=1\nFROM a\nCOPY --from=full / /\nLABEL b=$A"
        let planning = try Planning(text)
        let first = try planning.plan().plan.platforms[0]
        let second = try planning.plan().plan.platforms[0]
        #expect(first.stages.map(\.config) == second.stages.map(\.config))
        #expect(first.stages.map(\.steps) == second.stages.map(\.steps))
    }
}
