import ImgReport
import Testing

@testable import ImgLayers

/// One row: what an instruction makes of a context and a base.
struct CopyRow: Sendable, CustomTestStringConvertible {
    var rule: String
    var context: [String]
    var base: [[String]]
    var instructions: [String]
    var layer: [String]

    init(_ rule: String, _ context: [String], base: [[String]] = [], _ instructions: String..., gives layer: [String]) {
        self.rule = rule
        self.context = context
        self.base = base
        self.instructions = instructions
        self.layer = layer
    }

    var testDescription: String { "\(rule): \(instructions.joined(separator: " / "))" }
}

@Suite struct CopyTests {
    private static let accounts = [
        "d etc", "f etc/passwd root:x:0:0::/:\\nbob:x:1000:1001::/:\\n123:x:77:78::/:\\n",
        "f etc/group root:x:0:\\nstaff:x:50:\\n",
    ]

    static let destinations: [CopyRow] = [
        CopyRow("CP-14", ["f a one", "f b two"], "COPY a b /dest", gives: ["f 644 0:0 dest = two"]),
        CopyRow("CP-1", ["f a x"], "COPY ../../a /x", gives: ["f 644 0:0 x = x"]),
        CopyRow("CP-1", ["f a x"], "COPY a/ /x", gives: ["f 644 0:0 x = x"]),
        CopyRow("CP-1 row 91", ["f a x", "d d/e", "l ldir -> d/e"], "COPY ldir/../a /x", gives: ["f 644 0:0 x = x"]),
        CopyRow("CP-9", ["f a x"], "WORKDIR /w", "COPY a .", gives: ["d 755 0:0 w/", "f 644 0:0 w/a = x"]),
        CopyRow(
            "CP-9",
            ["f a x"],
            "WORKDIR /w",
            "COPY a b/c",
            gives: ["d 755 0:0 w/", "d 755 0:0 w/b/", "f 644 0:0 w/b/c = x"]
        ),
        CopyRow("CP-9", ["f a x"], "COPY a /../../q/", gives: ["d 755 0:0 q/", "f 644 0:0 q/a = x"]),
        CopyRow("CP-10", ["f a x"], "COPY a /p/q/", gives: ["d 755 0:0 p/", "d 755 0:0 p/q/", "f 644 0:0 p/q/a = x"]),
        CopyRow("CP-12", ["f a x"], base: [["d 700 p"]], "COPY a /p", gives: ["d 700 0:0 p/", "f 644 0:0 p/a = x"]),
        CopyRow(
            "CP-13",
            ["f d/a x", "f d/s/b y"],
            "COPY d /",
            gives: ["f 644 0:0 a = x", "d 755 0:0 s/", "f 644 0:0 s/b = y"]
        ),
        CopyRow(
            "CP-11 row 36",
            ["f a x"],
            base: [["d usr", "d 711 usr/lib", "l lib -> usr/lib"]],
            "COPY a /lib/x",
            gives: ["d 755 0:0 usr/", "d 711 0:0 usr/lib/", "f 644 0:0 usr/lib/x = x"]
        ),
        CopyRow(
            "CP-41 row 37",
            ["f a x"],
            base: [["d usr", "d 711 usr/lib", "l lib -> usr/lib"]],
            "COPY --link a /lib/x",
            gives: ["d 755 0:0 lib/", "f 644 0:0 lib/x = x"]
        ),
        CopyRow(
            "CP-42 row 38",
            ["f a x"],
            base: [["d usr", "l lib -> usr"]],
            "COPY --link --chmod=600 a /lib/x",
            gives: ["d 755 0:0 usr/", "f 600 0:0 usr/x = x"]
        ),
        CopyRow(
            "CP-11 row 39",
            ["f a x"],
            base: [["d t", "l t/x -> /p/q/foo"]],
            "COPY a /t/x",
            gives: ["d 755 0:0 p/", "d 755 0:0 p/q/", "f 644 0:0 p/q/foo = x"]
        ),
        CopyRow(
            "CP-11",
            ["f a x"],
            base: [["d o", "d o/real", "f 600 7:7 o/real/f old", "l o/l -> real/f"]],
            "COPY a /o/l",
            gives: ["d 755 0:0 o/", "d 755 0:0 o/real/", "f 644 0:0 o/real/f = x"]
        ),
        CopyRow(
            "CP-12",
            ["f a x"],
            base: [["d o", "d r", "l o/a -> ../r"]],
            "COPY a /o/",
            gives: ["d 755 0:0 o/", "f 644 0:0 o/a = x"]
        ),
        CopyRow(
            "CP-41",
            ["f d/x x"],
            base: [["d 700 5:5 srv"]],
            "COPY --link --chown=7:8 d /srv/data/",
            gives: ["d 755 7:8 srv/", "d 755 7:8 srv/data/", "f 644 7:8 srv/data/x = x"]
        ),
    ]

    static let sources: [CopyRow] = [
        CopyRow(
            "CP-8 row 42",
            ["f t/f x", "l lnk -> t/f"],
            "COPY lnk /d/",
            gives: ["d 755 0:0 d/", "f 644 0:0 d/lnk = x"]
        ),
        CopyRow(
            "CP-8 row 43",
            ["f 600 s/f x", "l s/lnk -> /nowhere"],
            "COPY s /x",
            gives: ["d 755 0:0 x/", "f 600 0:0 x/f = x", "l 0:0 x/lnk -> /nowhere"]
        ),
        CopyRow("CTX-2", ["f a x", "l abs -> /a"], "COPY abs /x", gives: ["f 644 0:0 x = x"]),
        CopyRow("CP-3 row 44", ["f d/f x", "l la -> d"], "COPY l*/f /x/", gives: []),
        CopyRow("CP-6 row 45", ["f a x"], "COPY nomatch* /y/", gives: []),
        CopyRow("CP-6", ["f d/a x"], "COPY d/nomatch* nomatch*/x d/a/* /y/", gives: []),
        CopyRow("CP-3 row 46", ["f .hid h"], "COPY * /y/", gives: ["d 755 0:0 y/", "f 644 0:0 y/.hid = h"]),
        CopyRow(
            "CP-4 row 47",
            ["f f!.t e", "f f1.t 1", "f f2.t 2"],
            "COPY f[!1].t /z/",
            gives: ["d 755 0:0 z/", "f 644 0:0 z/f!.t = e", "f 644 0:0 z/f1.t = 1"]
        ),
        CopyRow(
            "CP-5 row 48",
            ["f a*b s", "f axb x"],
            "COPY a*b /z/",
            gives: ["d 755 0:0 z/", "f 644 0:0 z/a*b = s", "f 644 0:0 z/axb = x"]
        ),
        CopyRow("CP-5", ["f a*b s", "f axb x"], "COPY a[*]b /z", gives: ["f 644 0:0 z = s"]),
        CopyRow("CP-5", ["f [x] s"], "COPY [[]x] /z", gives: ["f 644 0:0 z = s"]),
        CopyRow(
            "CP-3",
            ["f d1/a 1", "f d2/a 2", "f d2/b 3"],
            "COPY d* /z/",
            gives: ["d 755 0:0 z/", "f 644 0:0 z/a = 2", "f 644 0:0 z/b = 3"]
        ),
        CopyRow("CP-3", ["f x/y/f 1", "f x/f 2"], "COPY **/f /z/", gives: ["d 755 0:0 z/", "f 644 0:0 z/f = 2"]),
        CopyRow("CP-3", ["f r/p/f 1", "l q -> r/p"], "COPY q/f* /z/", gives: ["d 755 0:0 z/", "f 644 0:0 z/f = 1"]),
        CopyRow(
            "CP-17 row 57",
            ["f m/h1 x", "h m/h2 -> m/h1"],
            "COPY m /n/",
            gives: ["d 755 0:0 n/", "f 644 0:0 n/h1 = x", "h n/h2 -> n/h1"]
        ),
        CopyRow(
            "CP-17 row 57",
            ["f h1 x", "h h2 -> h1"],
            "COPY h1 h2 /m/",
            gives: ["d 755 0:0 m/", "f 644 0:0 m/h1 = x", "f 644 0:0 m/h2 = x"]
        ),
        CopyRow(
            "CP-17",
            ["f d1/a x", "h d1/b -> d1/a", "f d2/a y"],
            "COPY d1 d2 /m/",
            gives: ["d 755 0:0 m/", "f 644 0:0 m/a = y", "f 644 0:0 m/b = x"]
        ),
        CopyRow("CTX-3 row 96", ["s 750 d/sock"], "COPY d /x/", gives: ["d 755 0:0 x/", "f 750 0:0 x/sock"]),
        CopyRow("CP-18", ["p 620 d/pipe"], "COPY d /x", gives: ["d 755 0:0 x/", "p 620 0:0 x/pipe"]),
        CopyRow(
            "LAY-2",
            ["f d/a-b 1", "f d/a/b 2", "f d/a.c 3"],
            "COPY d /",
            gives: ["d 755 0:0 a/", "f 644 0:0 a/b = 2", "f 644 0:0 a-b = 1", "f 644 0:0 a.c = 3"]
        ),
    ]

    static let metadata: [CopyRow] = [
        CopyRow(
            "CP-19 row 31",
            ["f a x"],
            "COPY --chmod=600 a /x/y/a",
            gives: ["d 600 0:0 x/", "d 600 0:0 x/y/", "f 600 0:0 x/y/a = x"]
        ),
        CopyRow(
            "CP-31 row 32",
            ["f 711 src/run r", "f 600 src/s/f x", "d 700 src/s"],
            "COPY --chmod=u=rwX,go=rX src /p/new",
            gives: [
                "d 755 0:0 p/", "d 755 0:0 p/new/", "f 755 0:0 p/new/run = r", "d 755 0:0 p/new/s/",
                "f 644 0:0 p/new/s/f = x",
            ]
        ),
        CopyRow(
            "CP-20 row 33",
            ["d 700 src", "f 640 src/f x", "d 711 src/d"],
            "COPY src /new",
            gives: ["d 755 0:0 new/", "d 711 0:0 new/d/", "f 640 0:0 new/f = x"]
        ),
        CopyRow(
            "CP-21 row 34",
            ["f c/tmp/f x"],
            base: [["d 1777 tmp"]],
            "COPY c /",
            gives: ["d 755 0:0 tmp/", "f 644 0:0 tmp/f = x"]
        ),
        CopyRow(
            "CP-20 row 34",
            ["f tmp/f x"],
            base: [["d 1777 tmp"]],
            "COPY tmp /tmp",
            gives: ["d 1777 0:0 tmp/", "f 644 0:0 tmp/f = x"]
        ),
        CopyRow("CP-22", ["f 6755 a x"], "COPY a /a", gives: ["f 6755 0:0 a = x"]),
        CopyRow(
            "CP-32",
            ["l d/l -> x", "f d/f x"],
            "COPY --chmod=700 --chown=3:4 d /d",
            gives: ["d 700 3:4 d/", "f 700 3:4 d/f = x", "l 3:4 d/l -> x"]
        ),
        CopyRow("CP-25", ["f a x"], "COPY --chown=5 a /a", gives: ["f 644 5:5 a = x"]),
        CopyRow("CP-26", ["f a x"], base: [accounts], "COPY --chown=bob a /a", gives: ["f 644 1000:1001 a = x"]),
        CopyRow("CP-26", ["f a x"], base: [accounts], "COPY --chown=bob:staff a /a", gives: ["f 644 1000:50 a = x"]),
        CopyRow("CP-27", ["f a x"], base: [accounts], "COPY --chown=:staff a /a", gives: ["f 644 0:50 a = x"]),
        CopyRow("CP-27 row 25", ["f a x"], base: [accounts], "COPY --chown=nobody a /a", gives: ["f 644 0:0 a = x"]),
        CopyRow(
            "CP-27 row 27",
            ["f a x"],
            base: [accounts],
            "COPY --chown=1000:nope a /a",
            gives: ["f 644 1000:1000 a = x"]
        ),
        CopyRow("CP-27", ["f a x"], base: [accounts], "COPY --chown=bob:nope a /a", gives: ["f 644 1000:1001 a = x"]),
        CopyRow("CP-27 row 28", ["f a x"], base: [accounts], "COPY --chown=bob: a /a", gives: ["f 644 1000:0 a = x"]),
        CopyRow("CP-25 row 29", ["f a x"], base: [accounts], "COPY --chown=123 a /a", gives: ["f 644 123:123 a = x"]),
        CopyRow(
            "CP-26 row 30",
            ["f etc/passwd bob:x:9:9::/:", "f a x"],
            base: [["d etc"]],
            "COPY --chown=bob etc a /etc/",
            gives: ["d 755 0:0 etc/", "f 644 0:0 etc/a = x", "f 644 0:0 etc/passwd = bob:x:9:9::/:"]
        ),
        CopyRow(
            "CP-26",
            ["f etc/passwd bob:x:9:8::/:", "f a x"],
            "COPY etc /usr/etc",
            "COPY a /z",
            "COPY --chown=9 a /y",
            gives: ["f 644 9:9 y = x"]
        ),
        CopyRow(
            "CP-26 after COPY",
            ["f etc/passwd bob:x:9:8::/:", "f a x"],
            base: [["l etc -> usr/etc"]],
            "COPY etc /usr/etc",
            "COPY --chown=bob a /y",
            gives: ["f 644 9:8 y = x"]
        ),
    ]

    /// Below a set-group-ID directory, as mkdir(2) has it.
    private static let shared = [["d var", "d 2775 0:1002 var/shared", "l srv -> var/shared"]]
    private static let sharedLines = ["d 755 0:0 var/", "d 2775 0:1002 var/shared/"]

    static let inheriting: [CopyRow] = [
        CopyRow(
            "CP-19",
            ["f a x"],
            base: shared,
            "COPY a /srv/new/deep/a",
            gives: sharedLines + [
                "d 2755 0:1002 var/shared/new/", "d 2755 0:1002 var/shared/new/deep/",
                "f 644 0:0 var/shared/new/deep/a = x",
            ]
        ),
        CopyRow(
            "CP-13",
            ["d 700 d", "d 750 d/e", "f d/e/f x"],
            base: shared,
            "COPY d /srv/tree",
            gives: sharedLines + [
                "d 2755 0:1002 var/shared/tree/", "d 750 0:0 var/shared/tree/e/", "f 644 0:0 var/shared/tree/e/f = x",
            ]
        ),
        CopyRow(
            "CP-29",
            ["f a x"],
            base: shared,
            "COPY --chown=7:8 a /srv/own/in/a",
            gives: sharedLines + [
                "d 2755 7:8 var/shared/own/", "d 2755 7:8 var/shared/own/in/", "f 644 7:8 var/shared/own/in/a = x",
            ]
        ),
        CopyRow(
            "CP-19",
            ["f a x"],
            base: shared,
            "COPY --chmod=4600 a /srv/m/a",
            gives: sharedLines + ["d 2600 0:1002 var/shared/m/", "f 4600 0:0 var/shared/m/a = x"]
        ),
        CopyRow(
            "CP-40",
            ["d 710 d", "f d/f x"],
            base: shared,
            "COPY --parents d/f /srv/p",
            gives: sharedLines + [
                "d 2755 0:1002 var/shared/p/", "d 710 0:0 var/shared/p/d/", "f 644 0:0 var/shared/p/d/f = x",
            ]
        ),
        // What was copied counts as what was there.
        CopyRow(
            "CP-19",
            ["d 2755 s/sg", "f s/sg/f x"],
            "COPY s /",
            "COPY s/sg/f /sg/a/f",
            gives: ["d 2755 0:0 sg/", "d 2755 0:0 sg/a/", "f 644 0:0 sg/a/f = x"]
        ),
        // Nothing is below it with `--link`.
        CopyRow(
            "CP-41",
            ["f a x"],
            base: shared,
            "COPY --link a /var/shared/a",
            gives: ["d 755 0:0 var/", "d 755 0:0 var/shared/", "f 644 0:0 var/shared/a = x"]
        ),
        CopyRow(
            "CFG-1",
            [],
            base: shared,
            "WORKDIR /srv/wd/x",
            gives: sharedLines + ["d 2755 0:1002 var/shared/wd/", "d 2755 0:1002 var/shared/wd/x/"]
        ),
        CopyRow(
            "CFG-1",
            [],
            base: shared,
            "USER 7",
            "WORKDIR /srv/wd",
            gives: sharedLines + ["d 2755 7:7 var/shared/wd/"]
        ),
    ]

    static let merging: [CopyRow] = [
        CopyRow(
            "CP-15 row 41",
            ["f d/x x"],
            base: [["d 711 t", "d u", "l t/x -> ../u"]],
            "COPY d /t",
            gives: ["d 711 0:0 t/", "f 644 0:0 t/x = x"]
        ),
        CopyRow(
            "CP-15",
            ["l d/x -> y"],
            base: [["d t", "f t/x old"]],
            "COPY d /t",
            gives: ["d 755 0:0 t/", "l 0:0 t/x -> y"]
        ),
        CopyRow(
            "CP-7",
            ["f d/a one", "f a two"],
            "COPY d a /x/",
            gives: ["d 755 0:0 x/", "f 644 0:0 x/a = two"]
        ),
        CopyRow(
            "HD-11 row 68",
            ["f local l"],
            "COPY local <<A <<B /d/\na\nA\nb\nB",
            gives: ["d 755 0:0 d/", "f 644 0:0 d/A = a\n", "f 644 0:0 d/B = b\n", "f 644 0:0 d/local = l"]
        ),
        CopyRow("HD-10", [], "COPY --chmod=600 --chown=1:2 <<A /d\na\nA", gives: ["f 600 1:2 d = a\n"]),
    ]

    static let excluding: [CopyRow] = [
        CopyRow(
            "CP-34 row 51",
            ["f home.txt 1", "f homd/a.txt 2", "f homd/s/c.txt 3"],
            "COPY --exclude=*.txt hom* /m/",
            gives: ["d 755 0:0 m/", "f 644 0:0 m/home.txt = 1", "d 755 0:0 m/s/", "f 644 0:0 m/s/c.txt = 3"]
        ),
        CopyRow(
            "CP-33 row 52",
            ["f c/o.txt 1"],
            "COPY --exclude=/o.txt c /m/",
            gives: ["d 755 0:0 m/", "f 644 0:0 m/o.txt = 1"]
        ),
        CopyRow("CP-35", ["f c/o.txt 1"], "COPY --exclude=* c /m", gives: ["d 755 0:0 m/"]),
        CopyRow(
            "CP-33",
            ["f c/keep.me 1", "f c/sub/keep.me 2", "f c/sub/keep.not 3", "f c/x/keep 4"],
            "COPY --exclude=**/keep* --exclude=!**/keep.me c /m",
            gives: [
                "d 755 0:0 m/", "f 644 0:0 m/keep.me = 1", "d 755 0:0 m/sub/", "f 644 0:0 m/sub/keep.me = 2",
                "d 755 0:0 m/x/",
            ]
        ),
        CopyRow(
            "CP-36 row 53",
            ["f x/y/z/c.txt 1"],
            "COPY --parents x/./y/./z/c.txt /p/",
            gives: ["d 755 0:0 p/", "d 755 0:0 p/y/", "d 755 0:0 p/y/z/", "f 644 0:0 p/y/z/c.txt = 1"]
        ),
        CopyRow(
            "CP-38 row 55",
            ["d 700 x", "f x/a.txt 1", "f x/b 2"],
            "COPY --parents x/a.txt /p",
            gives: ["d 755 0:0 p/", "d 700 0:0 p/x/", "f 644 0:0 p/x/a.txt = 1"]
        ),
        CopyRow(
            "CP-37",
            ["f a/d/y.txt 1", "f a/d/z.md 2", "f a/e/q 3", "f a/r.txt 4"],
            "COPY --parents a/**/*.txt /p",
            gives: [
                "d 755 0:0 p/", "d 755 0:0 p/a/", "d 755 0:0 p/a/d/", "f 644 0:0 p/a/d/y.txt = 1",
                "f 644 0:0 p/a/r.txt = 4",
            ]
        ),
        // A directory that a wildcard reaches through a link.
        CopyRow(
            "CP-36",
            ["f d/x.txt 1", "l lnk -> d", "f other 2"],
            "COPY --parents l*/./x.txt /p",
            gives: ["d 755 0:0 p/", "f 644 0:0 p/x.txt = 1"]
        ),
        CopyRow("CP-39", ["f a x"], "COPY --parents no* /p", gives: ["d 755 0:0 p/"]),
        CopyRow("CP-37", ["f d/a.txt 1", "l lnk -> d"], "COPY --parents lnk/* /p", gives: ["d 755 0:0 p/"]),
        CopyRow(
            "CP-34",
            ["f a/b/x 1", "f a/b/y 2"],
            "COPY --parents --exclude=a/b/x a/b /p",
            gives: ["d 755 0:0 p/", "d 755 0:0 p/a/", "d 755 0:0 p/a/b/", "f 644 0:0 p/a/b/y = 2"]
        ),
    ]

    static let workdirs: [CopyRow] = [
        CopyRow("CFG-1 row 22", [], base: [["d existing"]], "WORKDIR /existing", gives: []),
        CopyRow("CFG-1 row 23", [], "USER 7:8", "WORKDIR /x/y", gives: ["d 755 7:8 x/", "d 755 7:8 x/y/"]),
        CopyRow(
            "CFG-1",
            [],
            base: [["d usr", "d usr/bin", "l bin -> usr/bin"]],
            "WORKDIR /bin/sub",
            gives: ["d 755 0:0 usr/", "d 755 0:0 usr/bin/", "d 755 0:0 usr/bin/sub/"]
        ),
        CopyRow("CFG-1", [], base: [accounts], "USER bob:staff", "WORKDIR /h", gives: ["d 755 1000:50 h/"]),
    ]

    @Test(arguments: destinations + sources + metadata + inheriting + merging + excluding + workdirs)
    func layer(_ row: CopyRow) async throws {
        let scenario = Scenario(context: row.context, base: row.base)
        #expect(try await scenario.spec(row.instructions).entries.map(\.line) == row.layer)
    }
}
