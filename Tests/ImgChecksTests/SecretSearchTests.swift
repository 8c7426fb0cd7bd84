import ImgReport
import ImgTestKit
import Testing

@testable import ImgChecks

/// What is found in a file, as the inspector asks: `kind`, with the detail behind it.
private func found(_ path: String, _ text: String) -> String? {
    let bytes = Array(text.utf8.prefix(SecretSearch.limit))
    let search = SecretSearch(path: Array(path.utf8), head: Array(bytes.prefix(SecretSearch.headLength)))
    return search?.find(in: bytes).map { "\($0.kind) \($0.detail)".trimmed }
}

extension String {
    fileprivate var trimmed: String { hasSuffix(" ") ? String(dropLast()) : self }
}

/// Stands for what programs make; nobody has ever used it.
private let random = "Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6QUJDREVGR0hJSktM"
private let identifier = "AKIA" + "Q3EGRIT7WXYZ2K5M"
private let secret = "wJalrXUtnFEMIk7MDENGxbPxRfiCYq8x2mTz1Lp0"

private func key(_ label: String, _ lines: [String] = [random, random], end: String = "\n") -> String {
    (["-----BEGIN \(label)-----"] + lines + ["-----END \(label)-----"]).joined(separator: end) + end
}

@Suite("Private keys are found by their first line") struct PrivateKeyTests {
    @Test(arguments: ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY", "PGP PRIVATE KEY BLOCK"])
    func underAnyName(_ label: String) {
        #expect(found("srv/anything", key(label)) == "privateKey \(label)")
        #expect(found("srv/anything", key(label, end: "\r\n")) == "privateKey \(label)")
    }

    @Test func theShortestKeyCounts() {
        let ed25519 = String(random.prefix(63)) + "="
        #expect(found("k", key("PRIVATE KEY", [ed25519])) == "privateKey PRIVATE KEY")
    }

    @Test func encryptedOnesAreSaidToBe() {
        #expect(found("k", key("ENCRYPTED PRIVATE KEY")) == "encryptedPrivateKey ENCRYPTED PRIVATE KEY")
        let headers = ["Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-128-CBC,0123456789ABCDEF", "", random]
        #expect(found("k", key("RSA PRIVATE KEY", headers)) == "encryptedPrivateKey RSA PRIVATE KEY")
        let plain = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW"
        #expect(found("id", key("OPENSSH PRIVATE KEY", [plain, random])) == "privateKey OPENSSH PRIVATE KEY")
        let locked = "b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABDXl2yQ8Q"
        #expect(found("id", key("OPENSSH PRIVATE KEY", [locked, random])) == "encryptedPrivateKey OPENSSH PRIVATE KEY")
        let putty =
            "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: %\nComment: a\nPublic-Lines: 1\nx\nPrivate-Lines: 1\ny\n"
        #expect(found("a.ppk", putty.replacing("%", with: "none")) == "privateKey PuTTY")
        #expect(found("a.ppk", putty.replacing("%", with: "aes256-cbc")) == "encryptedPrivateKey PuTTY")
    }

    @Test func behindOtherTextInFilesOfKeysAndSettings() {
        let chain = key("CERTIFICATE") + key("PRIVATE KEY")
        #expect(found("etc/tls", chain) == "privateKey PRIVATE KEY")
        let bag = "Bag Attributes\n    friendlyName: me\n" + key("PRIVATE KEY")
        #expect(found("etc/server.pem", bag) == "privateKey PRIVATE KEY")
        #expect(found("etc/server.txt", bag) == nil)
        let indented = "tls:\n  key: |\n" + key("EC PRIVATE KEY").split(separator: "\n").map { "    \($0)\n" }.joined()
        #expect(found("etc/app.yaml", indented) == "privateKey EC PRIVATE KEY")
        #expect(found("etc/app.toml", "key = \"\(key("PRIVATE KEY", end: "\\n"))\"\n") == "privateKey PRIVATE KEY")
    }

    @Test(arguments: [
        key("CERTIFICATE"), key("PUBLIC KEY"), key("RSA PUBLIC KEY"), key("CERTIFICATE REQUEST"), key("DH PARAMETERS"),
        key("OPENSSH PUBLIC KEY"), "-----BEGIN PRIVATE KEY-----\n", "-----BEGIN PRIVATE KEY-----\n...\n-----END",
        key("PRIVATE KEY", ["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBK...", random]), key("PRIVATE KEY", ["<your key here>"]),
        key("RSA PRIVATE KEY", [String(repeating: "x", count: 64)]), "-----BEGIN ", "-----BEGIN PRIVATE KEY",
        "-----BEGIN PRIVATE KEY-----", key("PRIVATE KEY", []), "ssh-ed25519 \(random) me@host\n",
    ])
    func whatIsNoKeyIsNotFound(_ text: String) {
        #expect(found("etc/server.pem", text) == nil)
    }
}

@Suite("Credentials are found where programs keep them") struct CredentialFileTests {
    /// Each with a text in which there is no secret.
    @Test(arguments: [
        (
            "root/.aws/credentials", "[default]\naws_access_key_id = A\naws_secret_access_key = \(secret)\n",
            "aws aws_secret_access_key", "[default]\nrole_arn = arn:aws:iam::1:role/a\nsource_profile = b\n"
        ),
        (
            "root/.aws/config", "[profile a]\naws_session_token=\(random)\n", "aws aws_session_token",
            "[default]\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n"
        ),
        (
            "srv/aws", "[default]\naws_access_key_id = A\naws_secret_access_key = \(secret)\n",
            "aws aws_secret_access_key", "[default]\naws_access_key_id = A\naws_secret_access_key = ${SECRET}\n"
        ),
        (
            "srv/alice_accessKeys", "\u{feff}Access key ID,Secret access key\r\n\(identifier),\(secret)\r\n",
            "aws access key", "Access key ID,Secret access key\n"
        ),
        ("srv/app.properties", "a=b\nkey=\(identifier)\nsecret=\(secret)\n", "aws access key", "key=\(identifier)\n"),
        (
            "root/.docker/config.json", #"{"auths":{"ghcr.io":{"auth":"dXNlcjpoaWRkZW4="}}}"#, "docker",
            #"{"auths":{"https://index.docker.io/v1/":{}},"credsStore":"desktop"}"#
        ),
        (
            "kaniko/.docker/config.json", #"{"auths":{"a.io":{"identitytoken":"\#(random)"}}}"#, "docker",
            #"{"credHelpers":{"1.dkr.ecr.eu-west-1.amazonaws.com":"ecr-login"}}"#
        ),
        ("root/.dockercfg", #"{"ghcr.io":{"auth":"dXNlcjpoaWRkZW4="}}"#, "docker", "{}"),
        (
            "root/.netrc", "machine api.heroku.com\n  login me\n  password \(random)\n", "netrc",
            "machine api.heroku.com login me\n"
        ),
        (
            "srv/.npmrc", "//registry.npmjs.org/:_authToken=npm_\(random)\n", "npm _authToken",
            "registry=https://registry.npmjs.org/\n//registry.npmjs.org/:_authToken=${NPM_TOKEN}\n"
        ),
        ("srv/.npmrc", "_auth = dXNlcjpoaWRkZW4=\n", "npm _auth", "# _auth = dXNlcjpoaWRkZW4=\nsave-exact=true\n"),
        (
            "root/.pypirc", "[pypi]\nusername = __token__\npassword = pypi-\(random)\n", "pypi",
            "[distutils]\nindex-servers = pypi\n[pypi]\nusername = me\npassword =\n"
        ),
        ("root/.git-credentials", "https://me:ghp_\(random)@github.com\n", "git", "https://github.com\n"),
        (
            "srv/.git/config", "[http \"https://github.com/\"]\n\textraheader = AUTHORIZATION: basic \(random)\n",
            "git extraheader", "[remote \"origin\"]\n\turl = git@github.com:a/b.git\n\turl = ssh://git@host:22/a\n"
        ),
        (
            "root/.kube/config", "users:\n- name: a\n  user:\n    client-key-data: \(random)\n",
            "kubernetes client-key-data", "users:\n- name: a\n  user:\n    client-key-data: DATA+OMITTED\n"
        ),
        (
            "etc/cluster", "apiVersion: v1\nkind: Config\nusers:\n- user:\n    token: \(random)\n", "kubernetes token",
            "apiVersion: v1\nkind: ConfigMap\ndata:\n  token: \(random)\n"
        ),
        (
            "etc/cluster", "apiVersion: v1\nclusters: []\nusers:\n- user: \n    token: \"\(random)\"\n",
            "kubernetes token", "apiVersion: v1\nclusters: []\nusers:\n- user:\n    exec:\n      command: aws\n"
        ),
        (
            "srv/account",
            #"{"# + "\n  \"type\": \"service_account\",\n  \"private_key\": \"\(key("PRIVATE KEY", end: "\\n"))\"\n}",
            "google", "{\n  \"type\": \"service_account\",\n  \"client_email\": \"a@b\"\n}"
        ),
        ("srv/.git/HEAD", "ref: refs/heads/main\n", "repository", "something else\n"),
        ("srv/.git/HEAD", "0123456789abcdef0123456789abcdef01234567\n", "repository", ""),
    ])
    func eachKind(_ path: String, _ text: String, _ expected: String, _ harmless: String) {
        #expect(found(path, text) == expected)
        #expect(found(path, harmless) == nil)
        #expect(expected.hasPrefix("aws") || found("srv/notes.txt", "x\n" + text) == nil, "dismissed by its name")
    }

    @Test func anIdentifierNeedsItsSecretNearby() {
        let far = String(repeating: "- \n", count: 200)
        #expect(found("a.yaml", "id: \(identifier)\n\(far)secret: \(secret)\n") == nil)
        #expect(found("a.yaml", "secret: \(secret)\nid: \(identifier)\n") == "aws access key")
        #expect(found("a.yaml", "id: AKIAIOSFODNN7EXAMPLE\nsecret: \(secret)\n") == nil)
        #expect(found("a.yaml", "id: x\(identifier)\nsecret: \(secret)\n") == nil)
        let commit = "0123456789abcdef0123456789abcdef01234567"
        #expect(found("a.yaml", "id: \(identifier)\ncommit: \(commit)\n") == nil)
    }

    @Test func whatLiesBeyondTheLimitIsNotRead() {
        let filler = String(repeating: "# \n", count: 64 << 10)
        #expect(found("a.env", "DB_PASSWORD=correct-horse\n" + filler) == "variables DB_PASSWORD")
        #expect(found("a.env", filler + "DB_PASSWORD=correct-horse\n") == nil)
    }
}

@Suite("Variables with secrets") struct SecretVariableTests {
    @Test(arguments: [
        "DB_PASSWORD=correct-horse", "export DB_PASSWORD='correct-horse'", "DB_PASSWORD = \"correct-horse\" # mine",
        "PGPASSWORD=correct-horse\r", "JWT_SECRET=correct-horse", "STRIPE_SECRET_KEY=sk_live_51Habcdefgh",
        "GITHUB_TOKEN=ghp_0123456789abcdef", "APP_KEY=base64:\(random)", "SECRET_KEY_BASE=0123456789abcdef01",
        "DATABASE_URL=postgres://app:correct-horse@db:5432/app", "SIGNING_KEY=\"-----BEGIN PRIVATE KEY-----",
        "aws_secret_access_key=\(secret)", "OPENAI_API_KEY=sk-proj-0123456789abcdef",
    ])
    func areFound(_ line: String) throws {
        let name = try #require(line.replacing("export ", with: "").split(whereSeparator: { " =".contains($0) }).first)
        for path in ["app/.env", "app/.env.production", "app/prod.env", "app/.envrc"] {
            #expect(found(path, "PORT=8080\n\(line)\n") == "variables \(name)")
        }
    }

    @Test(arguments: [
        "DB_PASSWORD=", "DB_PASSWORD", "# DB_PASSWORD=correct-horse", "DB_PASSWORD=short", "DB_PASSWORD=changeme123",
        "DB_PASSWORD=${DB_PASSWORD}", "DB_PASSWORD=<your password>", "DB_PASSWORD=your_password",
        "DB_PASSWORD=xxxxxxxxxx",
        "DB_PASSWORD=password", "DB_PASSWORD=op://vault/item/field", "DB_PASSWORD_FILE=/run/secrets/db-password",
        "STRIPE_PUBLISHABLE_KEY=pk_live_0123456789abcdef", "NEXT_PUBLIC_API_KEY=0123456789abcdef",
        "VITE_KEY=0123456789abcdef0",
        "REDIS_KEY=queue:items:all", "SSH_KEY_PATH=/root/.ssh/id_ed25519", "AWS_ACCESS_KEY_ID=\(identifier)",
        "TOKEN_URL=https://login.internal/oauth2/token", "PRIVATE_KEY=/etc/tls/server0123456789.key", "MONKEY=banana",
        "STRIPE_SECRET_KEY=sk_test_51Habcdefghijk", "DATABASE_URL=postgres://app@db/app", "URL=https://host:8080/a@b",
        "DATABASE_URL=postgres://user:${PASSWORD}@db/app", "encrypted_PASSWORD=encrypted:BDqz0123456789",
        "=correct-horse",
    ])
    func othersAreNot(_ line: String) {
        #expect(found("app/.env", line + "\n") == nil)
    }

    @Test func namesAreListedAndNothingElse() {
        let text = ["A", "B", "A", "C", "D", "E"].map { "\($0)_SECRET=correct-horse\n" }.joined()
        #expect(found("app/.env", text) == "variables A_SECRET, B_SECRET, C_SECRET and 2 more")
        #expect(found("app/.env", "A\u{1b}[31m_SECRET=correct-horse\n") == nil)
    }
}

@Suite("Where secrets are none") struct HarmlessPlaceTests {
    @Test(arguments: [
        "app/node_modules/a/key.pem", "usr/lib/python3/site-packages/tornado/k", "app/vendor/a/.env",
        "usr/lib/ruby/gems/a/k",
        "app/test/key.pem", "app/tests/data/k", "go/testdata/k", "usr/share/doc/x/k", "app/examples/.env",
        "app/__tests__/.env",
        "app/.env.example", "app/.env.sample", "app/.env.dist", "app/.env.test", "app/.env.vault", "app/example.env",
        "etc/test-key.pem", "etc/ssl/private/ssl-cert-snakeoil.key",
    ])
    func packagesTestsAndExamples(_ path: String) {
        #expect(found(path, path.contains("env") ? "DB_PASSWORD=correct-horse\n" : key("PRIVATE KEY")) == nil)
    }

    @Test(arguments: [
        "app/.env", "app/.env.local", "app/vault.env", "etc/default.key", "contest/.env", "app/latest/key.pem",
        "key.pem",
    ])
    func similarNamesAreNotTakenForThem(_ path: String) {
        #expect(found(path, path.contains("env") ? "DB_PASSWORD=correct-horse\n" : key("PRIVATE KEY")) != nil)
    }
}

@Suite("What is remembered and said of secrets") struct SecretFindingTests {
    @Test(arguments: CopiedSecret.Kind.allCases) func survivesStorage(_ kind: CopiedSecret.Kind) throws {
        for detail in ["", "A, B"] {
            let secret = CopiedSecret(kind, detail)
            #expect(CopiedSecret(decoding: secret.encoded) == secret)
            #expect(ExecutableFacts(decoding: secret.encoded) == nil)
            #expect(ExecutableFacts.format(decoding: secret.encoded) == nil)
        }
    }

    @Test func otherNotesAreNotTakenForSecrets() {
        let script = Shebang(interpreter: "/bin/sh", argument: nil, endsInCarriageReturn: false)
        for bytes in [
            [], [2], Array("root:x:0:0\n".utf8), [2, 0], [2, 0x61, 0], ExecutableFacts(format: .script(script)).encoded,
        ] {
            #expect(CopiedSecret(decoding: bytes) == nil)
        }
    }

    private static let file = SourceFile(name: "Dockerfile", bytes: Array("FROM scratch\nCOPY . /app\n".utf8))

    @Test(arguments: CopiedSecret.Kind.allCases) func saysWhereWhatWhyAndWhatToDo(_ kind: CopiedSecret.Kind) throws {
        let isRepository = kind == .repository
        let path = Array((isRepository ? "app/.git/HEAD" : "app/.env").utf8)
        let secret = CopiedSecret(kind, "DB_PASSWORD")
        let subject = SecretCheck.subject(secret, at: path)
        let range = SourceRange(file: Self.file, lines: 2...2)
        let finding = SecretCheck.finding(secret, subject: subject, severity: .error, isIgnorable: true, at: range)
        let name = isRepository ? "/app/.git" : "/app/.env"
        #expect(finding.rule == (isRepository ? "git-directory" : "secret-file"))
        #expect(finding.severity == (isRepository ? .warning : .error))
        #expect(finding.message.hasPrefix(name + " "))
        #expect(finding.message.contains("whoever can pull the image can read"))
        #expect(finding.notes == ["path: \(name)"])
        #expect(finding.range == range)
        #expect(finding.hints.first?.contains("**/\(isRepository ? ".git" : ".env") in .dockerignore") == true)
        #expect(finding.hints.last?.contains("--secret-check-allow '\(name)'") == true)
        let copied = SecretCheck.finding(secret, subject: subject, severity: .error, isIgnorable: false, at: range)
        #expect(copied.hints.first?.contains("--exclude=**/") == true)
        let aws = SecretCheck.finding(
            secret,
            subject: Array("root/.aws/credentials".utf8),
            severity: .error,
            isIgnorable: true,
            at: range
        )
        #expect(aws.hints.first?.contains("**/.aws/credentials in .dockerignore") == true)
    }
}
