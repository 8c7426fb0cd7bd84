import ImgHTTP
import ImgOCI
import ImgReport
import Subprocess

/// The `git` program: checkouts for contexts and ADD, commit times for `--timestamp git`.
struct GitCommand: Sendable {
    /// Environment of the build; git must find its configuration and agents in it.
    let variables: [String: String]

    /// What a checkout holds.
    struct Checkout: Sendable {
        /// The work tree, `.git` in it.
        var path: String
        /// Full commit ID.
        var commit: String
        /// Committer time in seconds since 1970.
        var time: Int64
    }

    /// Fetches one commit into an empty directory, with its submodules.
    ///
    /// - Parameters:
    ///   - remote: URL or scp-style address, without fragment and query.
    ///   - ref: Branch, tag or commit; nil is the remote's default branch.
    /// - Throws: ``BuildError`` with git's own words.
    func checkout(_ remote: String, ref: String?, submodules: Bool, into directory: String) async throws -> Checkout {
        try await run(["init", "--quiet", directory], in: "/", doing: "create a checkout")
        try await run(["remote", "add", "--", "origin", remote], in: directory, doing: "add \(remote)")
        let wanted = ref ?? "HEAD"
        do {
            try await run(
                ["fetch", "--quiet", "--depth=1", "--no-tags", "origin", "--", wanted],
                in: directory,
                doing: "fetch \(wanted) of \(remote)"
            )
        } catch let error as BuildError where error.diagnostics[0].notes.contains(where: { $0.contains("shallow") }) {
            // A server of plain files can't send a part of the history.
            try await run(
                ["fetch", "--quiet", "--no-tags", "origin", "--", wanted],
                in: directory,
                doing: "fetch \(wanted) of \(remote)"
            )
        } catch let error as BuildError {
            // Most servers refuse a commit ID that no ref points to: then the whole history has to come.
            guard let ref, ref.utf8.count >= 7, ref.utf8.allSatisfy({ $0.hexValue != nil }) else { throw error }
            try await run(
                ["fetch", "--quiet", "--tags", "origin", "+refs/heads/*:refs/remotes/origin/*"],
                in: directory,
                doing: "fetch \(remote)"
            )
            try await run(["update-ref", "FETCH_HEAD", ref], in: directory, doing: "find \(ref) in \(remote)")
        }
        try await run(
            ["checkout", "--quiet", "--force", "--detach", "FETCH_HEAD"],
            in: directory,
            doing: "check out \(wanted)"
        )
        if submodules {
            try await run(
                ["submodule", "update", "--quiet", "--init", "--recursive", "--depth=1"],
                in: directory,
                doing: "fetch submodules"
            )
        }
        try await forgetCredentials(of: remote, in: directory, submodules: submodules)
        let commit = try await run(["rev-parse", "HEAD"], in: directory, doing: "read the commit")
        return Checkout(path: directory, commit: commit, time: try await commitTime(of: directory))
    }

    /// `.git` can become a part of the image.
    private func forgetCredentials(of remote: String, in directory: String, submodules: Bool) async throws {
        guard let plain = Self.withoutUserInfo(remote) else { return }
        try await run(["remote", "set-url", "--", "origin", plain], in: directory, doing: "set the URL of \(remote)")
        // Their relative URLs were made from the remote's.
        guard submodules else { return }
        try await run(["submodule", "sync", "--quiet", "--recursive"], in: directory, doing: "set URLs of submodules")
    }

    /// Nil when there is none, or only the user name of SSH.
    static func withoutUserInfo(_ url: String) -> String? {
        for scheme in ["https://", "http://"] where url.hasPrefix(scheme) {
            let rest = url.dropFirst(scheme.count)
            guard let at = rest.prefix(while: { $0 != "/" }).lastIndex(of: "@") else { return nil }
            return scheme + rest[rest.index(after: at)...]
        }
        return nil
    }

    /// Committer time of the commit that a work tree is at.
    func commitTime(of directory: String) async throws -> Int64 {
        let text = try await run(["log", "-1", "--format=%ct", "HEAD"], in: directory, doing: "read the commit time")
        guard let time = Int64(text) else { throw BuildError("git gave no commit time for \(directory): \"\(text)\"") }
        return time
    }

    @discardableResult
    private func run(_ arguments: [String], in directory: String, doing what: String) async throws -> String {
        var environment = variables
        environment["GIT_TERMINAL_PROMPT"] = "0"
        environment["LC_ALL"] = "C"
        let result: ChildProgram.Result
        do {
            result = try await ChildProgram(name: "git", variables: environment).run(arguments, in: directory)
        } catch let error as SubprocessError {
            throw BuildError(
                "cannot run git to \(URLMask.maskText(what)): \(error)",
                hints: ["install git; it fetches git contexts and git sources of ADD"]
            )
        }
        guard result.isSuccess else {
            throw BuildError(
                "git cannot \(URLMask.maskText(what))",
                notes: result.lastWords.map(URLMask.maskText)
            )
        }
        return String(result.output.prefix { $0 != "\n" })
    }
}
