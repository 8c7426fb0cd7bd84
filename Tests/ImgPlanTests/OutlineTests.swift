import ImgDockerfile
import ImgOCI
import ImgPlan
import ImgReport
import Testing

@Suite struct OutlineTests {
    private static let text = """
        # VERSION of everything
        ARG VERSION=1
        ARG UNSET
        # build compiles it
        FROM golang:$VERSION AS build
        # an unrelated remark
        # MODE is debug or release
        ARG MODE=release-$VERSION
        ARG VERSION
        ENV HERE=$MODE
        FROM --platform=$BUILDPLATFORM golang AS other
        ARG SECRET_DOOR=1
        FROM build AS Final
        RUN make
        ARG LATER=${HERE}-${TARGETARCH}
        ARG TARGETARCH
        FROM scratch
        COPY --from=final /a /a
        """

    @Test func listsStages() throws {
        let targets = try Planning(Self.text).inputs.targets()
        #expect(targets.map(\.name) == ["build", "other", "final", nil])
        #expect(targets.map(\.isDefault) == [false, false, false, true])
        #expect(targets.map(\.description) == ["compiles it", nil, nil, nil])
        #expect(targets.map(\.base) == ["golang:$VERSION", "golang", "build", "scratch"])
        #expect(targets.map(\.platform) == [nil, "$BUILDPLATFORM", nil, nil])
        #expect(targets.map(\.range.startLine) == [5, 11, 13, 17])
    }

    @Test func showsArgumentsOfReachedStages() throws {
        let outline = try Planning(Self.text).inputs.outline()
        #expect(outline.name == nil)
        // The global value isn't visible before the stage declares it (ARG-1), and ENV carries over (ARG-7).
        #expect(
            outline.arguments.map { "\($0.name)=\($0.value ?? "-") \($0.range.startLine)" } == [
                "VERSION=1 2", "UNSET=- 3", "MODE=release- 8", "LATER=release-- 15", "TARGETARCH=amd64 16",
            ]
        )
        #expect(outline.arguments[0].description == "of everything")
        #expect(outline.arguments[2].description == "is debug or release")
    }

    @Test func followsTargetAndBuildArgs() throws {
        let outline = try Planning(Self.text) {
            $0.target = "BUILD"
            $0.buildArgs = ["MODE": "debug", "VERSION": "2"]
        }
        .inputs.outline()
        #expect(outline.name == "build")
        #expect(outline.description == "compiles it")
        #expect(outline.arguments.map { "\($0.name)=\($0.value ?? "-")" } == ["VERSION=2", "UNSET=-", "MODE=debug"])
    }

    @Test func refusesUnknownTarget() throws {
        let planning = try Planning(Self.text) { $0.target = "biuld" }
        let error = #expect(throws: BuildError.self) { try planning.inputs.outline() }
        #expect(error?.diagnostics[0].message == "target stage \"biuld\" could not be found (did you mean build?)")
    }

    @Test func keepsTextFindingsOfWhatCannotBePlanned() throws {
        let planning = try Planning("FROM a AS b\nCMD [\"x\"]\nCMD [\"y\"]\nFROM $NOPE as C\nmaintainer me")
        #expect(throws: BuildError.self) { try planning.plan() }
        #expect(
            planning.inputs.textFindings().compactMap(\.rule) == [
                "MultipleInstructionsDisallowed", "StageNameCasing", "FromAsCasing", "MaintainerDeprecated",
                "ConsistentInstructionCasing",
            ]
        )
    }

    @Test func obeysCheckOptionsInTextFindings() throws {
        let planning = try Planning("# check=skip=MaintainerDeprecated\nFROM $NOPE\nMAINTAINER me")
        #expect(planning.inputs.textFindings().isEmpty)
    }
}
