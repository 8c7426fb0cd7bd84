import ImgOCI
import ImgTestKit
import Testing

/// A secret among the copied files is said with file and line, never shown, and stops the build where that is asked for.
@Suite struct SecretCheckTests {
    private static let hidden = "correct-horse-battery"

    /// A context in which every kind of file lies that developers have by accident.
    private static let files = """
        mkdir -p app/.aws app/tests app/node_modules/a; cd app; git init -q .
        openssl ecparam -name prime256v1 -genkey -noout -out server.key; cp server.key tests/; cp server.key node_modules/a/
        openssl ec -in server.key -aes128 -passout pass:\(hidden) -out locked.key 2>/dev/null
        ssh-keygen -q -t ed25519 -N '' -C me -f deploy
        openssl req -new -x509 -key server.key -subj /CN=a -days 1 -out server.crt
        printf 'PORT=1\\nDB_PASSWORD=\(hidden)\\n' >.env; cp .env .env.example
        printf '[default]\\naws_access_key_id = A\\naws_secret_access_key = \(hidden)\\n' >.aws/credentials
        """

    private static let dockerfile = "FROM busybox\nCOPY app /app/\nCMD [\"true\"]\n"

    private static func paths(_ result: ProgramResult, _ rule: String) -> [String] {
        var paths: [String] = []
        var isInFinding = false
        for line in result.errors.split(separator: "\n") {
            if line.contains("warning: ") || line.contains("error: ") { isInFinding = line.contains(rule) }
            if isInFinding, let path = line.firstRange(of: "path: ") { paths.append(String(line[path.upperBound...])) }
        }
        return paths.sorted()
    }

    @Test func warnsOnceWithPlaceAndRemedyAndShowsNothing() async throws {
        try await StartLab.with { lab in
            try await lab.prepare(Self.files)
            let expected = ["/app/.aws/credentials", "/app/.env", "/app/deploy", "/app/locked.key", "/app/server.key"]
            let cold = try await lab.imgbuild(Self.dockerfile, platforms: "linux/amd64,linux/arm64")
            #expect(cold.status == 0, "\(cold)")
            #expect(Self.paths(cold, "secret-file") == expected, "\(cold)")
            #expect(Self.paths(cold, "git-directory") == ["/app/.git"], "\(cold)")
            for text in [
                "Dockerfile:2", "COPY app /app/", "platform: linux/amd64, linux/arm64", "**/.env in .dockerignore",
                "secrets (DB_PASSWORD)", "protected by nothing but its passphrase", "OPENSSH PRIVATE KEY",
                "aws_secret_access_key", "checks: warn",
            ] {
                #expect(cold.errors.contains(text), "\(text) is not in \(cold)")
            }
            #expect(!cold.errors.contains(Self.hidden), "\(cold)")
            // A layer from the cache is as public as a new one.
            let warm = try await lab.imgbuild(Self.dockerfile, platforms: "linux/amd64,linux/arm64")
            #expect(warm.errors.contains("cached"), "\(warm)")
            #expect(Self.paths(warm, "secret-file") == expected, "\(warm)")
        }
    }

    @Test func remediesPutItRight() async throws {
        try await StartLab.with { lab in
            try await lab.prepare(Self.files)
            let lines = [".env", "credentials", "deploy", "*.key", ".git"].map { "**/\($0)\n" }.joined()
            try lab.scratch.write("context/.dockerignore", lines)
            let strict = try await lab.imgbuild(Self.dockerfile, platforms: "linux/amd64", ["--secret-check=error"])
            #expect(strict.status == 0, "\(strict)")
            #expect(strict.errors.contains("checks: ok"), "\(strict)")
            try lab.scratch.write("context/.dockerignore", "")
            let staged =
                "FROM scratch AS all\nCOPY app /app/\nFROM busybox\nCOPY --from=all /app /app/\nCMD [\"true\"]\n"
            let copied = try await lab.imgbuild(staged, platforms: "linux/amd64")
            #expect(copied.errors.contains("Dockerfile:4"), "\(copied)")
            #expect(!copied.errors.contains("Dockerfile:2"), "what is not in the image is nobody's: \(copied)")
            #expect(copied.errors.contains("--exclude=**/.env"), "\(copied)")
            let excluded = staged.replacing(
                "COPY --from=all",
                with:
                    "COPY --exclude=**/.env --exclude=**/*.key --exclude=**/deploy --exclude=**/.aws --exclude=**/.git --from=all"
            )
            #expect(try await lab.imgbuild(excluded, platforms: "linux/amd64", ["--secret-check=error"]).status == 0)
        }
    }

    @Test func stopsTheBuildWhenAskedTo() async throws {
        try await Lab.with { lab in
            try lab.scratch.write("context/.env", "DB_PASSWORD=\(Self.hidden)\n")
            let dockerfile = "FROM scratch\nCOPY .env /app/\n"
            let strict = ["--platform", "linux/amd64", "--start-check=off", "--secret-check=error"]
            func push(_ text: String, _ arguments: [String]) async throws -> ProgramResult {
                try lab.scratch.write("context/Dockerfile", text)
                let all = ["--debug", "-t", lab.reference("app:1"), "--push"] + arguments
                return try await lab.imgbuild(all + [lab.scratch["context"]])
            }
            for (text, line, arguments) in [
                (dockerfile, 2, strict), ("# imgbuild: secret-check=error\n" + dockerfile, 3, Array(strict.dropLast())),
            ] {
                let stopped = try await push(text, arguments)
                #expect(stopped.status == 1, "\(stopped)")
                #expect(stopped.errors.contains("error: Dockerfile:\(line): secret-file: /app/.env"), "\(stopped)")
                #expect(!stopped.errors.contains("/blobs/uploads/"), "nothing is sent: \(stopped)")
                #expect(!(try await lab.exists("app:1")))
            }
            let allowed = try await push(dockerfile, strict + ["--secret-check-allow", "/app/.env"])
            #expect(allowed.status == 0, "\(allowed)")
            #expect(!allowed.errors.contains("secret-file"), "\(allowed)")
            let warned = try await push(dockerfile, Array(strict.dropLast()))
            #expect(warned.status == 0, "\(warned)")
            #expect(warned.errors.contains("warning: Dockerfile:2: secret-file: /app/.env"), "\(warned)")
            #expect(try await lab.exists("app:1"))
        }
    }

    /// What another machine has found is found here, though nothing is read.
    @Test func layersOfASharedCacheAreNoExcuse() async throws {
        try await StartLab.with { lab in
            try await lab.prepare(Self.files)
            let shared = lab.scratch["shared"]
            let metadata = lab.scratch["metadata.json"]
            _ = try await lab.imgbuild(
                Self.dockerfile,
                platforms: "linux/amd64",
                ["--cache-to", "type=local,dest=\(shared)"]
            )
            try await Program.output("rm", ["-rf", lab.scratch["cache"]])
            let second = try await lab.imgbuild(
                Self.dockerfile,
                platforms: "linux/amd64",
                ["--cache-from", "type=local,src=\(shared)", "--metadata-file", metadata]
            )
            #expect(second.errors.contains("cached"), "\(second)")
            #expect(second.errors.contains("secret-file: /app/.env"), "\(second)")
            let json = try await Program.output("cat", [metadata])
            #expect(json.contains("secret-file"), "\(json)")
            #expect(!json.contains(Self.hidden))
        }
    }
}
