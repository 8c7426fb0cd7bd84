import ImgOCI
import ImgPlan
import ImgReport
import Testing

@Suite("ONBUILD")
struct OnBuildTests {
    @Test func triggersOfAStageRunOnceInItsChild() throws {
        let text = "FROM scratch AS b\nONBUILD LABEL q=$V\nONBUILD ARG V=1\nFROM b AS c\nARG V=2\nFROM c"
        let stages = try Planning(text).plan().plan.platforms[0].stages
        #expect(stages.map(\.texts) == [[], ["(LABEL q=)", "(ARG V=1)", "(ARG V=2)"], []])
        #expect(stages.map { $0.config.config.onBuild } == [["LABEL q=$V", "ARG V=1"], [], []])
        #expect(stages[1].steps[0].range.startLine == 4)
    }

    @Test func triggersOfAnImageAskForMore() throws {
        let (plan, asked) = try Planning("FROM triggers AS a\nCOPY f /\nFROM a\nUSER 1").plan()
        #expect(asked.map { $0.map { "\($0.source)" } } == [["triggers:latest"], ["plain:latest"]])
        let stages = plan.platforms[0].stages
        #expect(stages[0].texts == ["COPY /x /x # buildkit", "(ENV T=b)", "COPY f / # buildkit"])
        #expect(stages[0].config.config.onBuild == ["LABEL again=1"])
        #expect(stages[1].texts == ["(LABEL again=1)", "(USER 1)"])
    }

    @Test func copySourcesOfTriggersAreReached() throws {
        let text = """
            FROM scratch AS t
            ONBUILD COPY --from=assets /a /a
            FROM scratch AS assets
            COPY f /a
            FROM t
            """
        let platform = try Planning(text).plan().plan.platforms[0]
        #expect(platform.stages.map(\.index) == [0, 1, 2])
        #expect(platform.stages[2].copies[0].from == .stage(1))
    }

    @Test func errorsStandAtTheFromLine() {
        let unknown = failure("FROM scratch AS b\nONBUILD FOO x\nFROM b")
        #expect(unknown.message == "unknown instruction: FOO (did you mean FROM?)")
        #expect(unknown.line == 3)
        let run = failure("FROM scratch AS b\nONBUILD RUN x\nFROM b")
        #expect(run.message == "RUN is not supported by imgbuild (no execution backend)")
        #expect(run.line == 3)
        let chmod = failure("FROM scratch AS b\nONBUILD COPY --chmod=9 a /\nFROM b")
        #expect(chmod.line == 3)
    }

    @Test func storedTriggersAreNotChecked() throws {
        #expect(try Planning("FROM scratch\nONBUILD RUN x").target().config.config.onBuild == ["RUN x"])
    }
}
