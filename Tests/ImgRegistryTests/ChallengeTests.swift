import ImgRegistry
import Testing

@testable import ImgRegistry

struct ChallengeTests {
    private func demand(_ lines: [String]) -> AuthDemand? {
        AuthDemand.preferred(in: Challenge.parse(lines)) { $0.hasPrefix("/") ? "https://reg.example.com\($0)" : $0 }
    }

    @Test func readsAllOfABearerChallenge() throws {
        let line = #"Bearer realm="https://a/t",service="s",scope="repository:x:pull,push repository:y:pull""#
        let found = try #require(demand([line]))
        #expect(found.scheme == .bearer(BearerChallenge(realm: "https://a/t", service: "s")))
        #expect(found.scopes.map(\.description) == ["repository:x:pull,push", "repository:y:pull"])
        #expect(found.error == nil)
    }

    @Test(arguments: [
        ([#"Basic realm="r", Bearer realm="https://a/t""#], "https://a/t"),
        ([#"bearer REALM="https://a/t?x=1,2""#], "https://a/t?x=1,2"),
        ([#"Bearer realm="a\"b""#], #"a"b"#),
        ([#"Bearer realm=https://a/t,service=s"#], "https://a/t"),
        ([#"Bearer realm = "https://a/t" , service = "s""#], "https://a/t"),
        (["Negotiate YIIB==", #"Bearer realm="/token""#], "https://reg.example.com/token"),
        ([#"Negotiate abc==, Bearer service="x",realm="https://a/t""#], "https://a/t"),
        ([#"Bearer @bad="x",realm="https://a/t""#], "https://a/t"),
        ([#"Bearer realm="https://a/t"#], "https://a/t"),
    ])
    func findsTheRealm(_ lines: [String], _ realm: String) throws {
        guard case .bearer(let challenge) = try #require(demand(lines)).scheme else {
            Issue.record("not Bearer: \(lines)")
            return
        }
        #expect(challenge.realm == realm)
    }

    @Test(arguments: [
        (["Negotiate", #"Basic realm="""#], true), (["Basic"], true), (["Bearer"], false),
        (["Bearer service=\"x\""], false),
        ([], false), (["Digest realm=\"x\", nonce=\"y,z\""], false), (["NTLM, Basic realm=\"x\""], true),
        ([",,,"], false),
    ])
    func fallsBackToBasic(_ lines: [String], _ isBasic: Bool) {
        #expect((demand(lines)?.scheme == .basic) == isBasic)
    }

    @Test func knowsInsufficientScope() {
        let line = #"Bearer realm="https://a/t",error="insufficient_scope",scope="repository:a:push""#
        #expect(demand([line])?.isInsufficientScope == true)
    }
}

struct ScopeTests {
    @Test func parsesNamesWithColons() {
        let scope = Scope(parsing: "repository:host:5000/a/b:pull,push")
        #expect(scope.name == "host:5000/a/b")
        #expect(scope.actions == ["pull", "push"])
        #expect(Scope(parsing: "aws").description == "aws")
    }

    @Test func mergesAndOrders() {
        var set = ScopeSet([Scope(repository: "own", ["pull"]), Scope(repository: "base", ["pull"])])
        set.insert(Scope(repository: "own", ["pull", "push"]))
        set.insertChallenged(Scope(repository: "other", ["pull"]))
        set.insertChallenged(Scope(parsing: "aws"))
        #expect(set.texts == ["repository:other:pull", "repository:own:pull,push", "repository:base:pull", "aws"])
    }

    @Test func servesSubsetsOfTheSameTargetOnly() {
        let large = ScopeSet([Scope(repository: "own", ["pull", "push"]), Scope(repository: "base", ["pull"])])
        #expect(large.covers(ScopeSet([Scope(repository: "own", ["pull"])])))
        #expect(!large.covers(ScopeSet([Scope(repository: "base", ["pull"])])))
        #expect(!large.covers(ScopeSet([Scope(repository: "own", ["pull", "delete"])])))
    }
}

struct RealmPolicyTests {
    @Test(arguments: [
        ("https://auth.docker.io/token", "registry-1.docker.io", false, true),
        ("https://other.example.net/token", "reg.example.com", false, true),
        ("http://reg.example.com/token", "reg.example.com", false, false),
        ("http://reg.example.com/token", "reg.example.com", true, true),
        ("http://other.example.com/token", "reg.example.com", true, false),
        ("https://user@reg.example.com/token", "reg.example.com", false, false),
        ("https://reg.example.com/token#x", "reg.example.com", false, false),
        ("https://169.254.169.254/latest", "reg.example.com", false, false),
        ("https://[fd00:ec2::254]/x", "reg.example.com", false, false),
        ("https://2130706433/x", "reg.example.com", false, false),
        ("https://10.0.0.1/token", "10.0.0.1", false, true),
        ("file:///etc/passwd", "reg.example.com", true, false),
        ("ftp://reg.example.com/", "reg.example.com", true, false),
        (#"a"b"#, "reg.example.com", true, false),
        ("https://reg.example.com/\r\nX: y", "reg.example.com", true, false),
    ])
    func judges(_ realm: String, _ registry: String, _ plain: Bool, _ isFine: Bool) {
        let rule = RealmPolicy.objection(to: realm, registry: Authority(registry), allowsPlainHTTP: plain)
        #expect((rule == nil) == isFine, "\(realm): \(rule ?? "accepted")")
    }

    @Test func internalRealmMayBeAllowed() {
        func objection(_ allowed: Set<String>) -> String? {
            RealmPolicy.objection(
                to: "https://10.0.0.7/token",
                registry: Authority("reg.example.com"),
                allowsPlainHTTP: false,
                allowedHosts: allowed
            )
        }
        #expect(objection([]) == "it leads to an internal address")
        #expect(objection(["10.0.0.7"]) == nil)
    }

    @Test(arguments: [
        ("auth.docker.io", "registry-1.docker.io", true), ("gitlab.com", "registry.gitlab.com", true),
        ("auth.example.com", "reg.example.com", true), ("reg.example.com", "reg.example.com", true),
        ("auth.example.net", "reg.example.com", false), ("b.com", "a.com", false),
    ])
    func knowsRelatives(_ realm: String, _ registry: String, _ areRelated: Bool) {
        #expect(RealmPolicy.isRelated(realm, to: registry) == areRelated)
    }
}
