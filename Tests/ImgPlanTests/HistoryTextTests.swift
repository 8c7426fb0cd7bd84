import ImgOCI
import ImgPlan
import ImgReport
import Testing

@Suite("History texts")
struct HistoryTextTests {
    static let rows: [(String, [String])] = [
        ("ARG a=1 b\nENV k=v k2=\"a b\"", ["(ARG a=1 b)", "(ENV k=v k2=a b)"]),
        ("ENV a = b", ["(ENV a== b)"]),
        ("CMD [\"a\",\"b\"]", ["(CMD [\"a\" \"b\"])"]),
        ("CMD", ["(CMD [\"/bin/sh\" \"-c\" \"\"])"]),
        ("CMD []", ["(CMD [])"]),
        ("CMD [\"a\",]", ["(CMD [\"/bin/sh\" \"-c\" \"[\\\"a\\\",]\"])"]),
        (
            "SHELL [\"/bin/bash\",\"-c\"]\nENTRYPOINT run $X",
            ["(SHELL [/bin/bash -c])", "(ENTRYPOINT [\"/bin/bash\" \"-c\" \"run $X\"])"]
        ),
        ("EXPOSE 80 443 1", ["(EXPOSE [1/tcp 443/tcp 80/tcp])"]),
        ("EXPOSE 7000-7002 80/UDP 80/", ["(EXPOSE [7000/tcp 7001/tcp 7002/tcp 80/tcp 80/udp])"]),
        ("EXPOSE 127.0.0.1:8080:80 $NONE", ["(EXPOSE [80/tcp])"]),
        ("VOLUME [ /a ]", ["(VOLUME [[ /a ]])"]),
        ("VOLUME [\"/a b\",\"c\"]", ["(VOLUME [/a b c])"]),
        ("USER 1:2", ["(USER 1:2)"]),
        ("STOPSIGNAL term", ["(STOPSIGNAL term)"]),
        ("STOPSIGNAL RTMIN+15", ["(STOPSIGNAL RTMIN+15)"]),
        ("MAINTAINER A <b@c> $X", ["(MAINTAINER A <b@c> $X)"]),
        (
            "HEALTHCHECK --interval=90s CMD curl x",
            [
                "(HEALTHCHECK {Test:[CMD-SHELL curl x] Interval:1m30s Timeout:0s StartPeriod:0s StartInterval:0s Retries:0})"
            ]
        ),
        (
            "HEALTHCHECK NONE",
            ["(HEALTHCHECK {Test:[NONE] Interval:0s Timeout:0s StartPeriod:0s StartInterval:0s Retries:0})"]
        ),
        ("ONBUILD FOO x", []),
        (
            "WORKDIR /a/\nWORKDIR b/../c/\nWORKDIR /x/../y/\nWORKDIR /",
            ["WORKDIR /a/", "WORKDIR /a/c", "WORKDIR /x/../y/", "(WORKDIR /)"]
        ),
        ("COPY a /b # note", ["COPY a /b # note # buildkit"]),
        ("COPY a \"\"", ["COPY a  # buildkit"]),
        (
            "ARG N=7\nADD --chmod=64$N --chown=$N:$N ../a b /d/",
            ["(ARG N=7)", "ADD --chown=7:7 --chmod=647 ../a b /d/ # buildkit"]
        ),
        ("COPY --link --exclude=x --parents a /d", ["COPY --parents a /d # buildkit"]),
        ("COPY --chown= a /d", ["COPY a /d # buildkit"]),
        ("COPY <<A local <<B /d/\na\nA\nb\nB", ["COPY local <<A <<B /d/ # buildkit"]),
    ]

    @Test(arguments: rows)
    func text(_ body: String, _ history: [String]) throws {
        #expect(try Planning("FROM scratch\n\(body)\n").target().texts == history)
    }
}
