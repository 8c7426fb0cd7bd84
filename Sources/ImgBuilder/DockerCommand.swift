import ImgReport
import Subprocess

/// The `docker` program: `--load` hands it an archive.
struct DockerCommand: Sendable {
    let variables: [String: String]

    /// Brings a docker archive into the store of the daemon that `docker` speaks to.
    ///
    /// - Throws: ``BuildError`` with docker's own words.
    func load(archive path: String) async throws {
        let result: ChildProgram.Result
        do {
            result = try await ChildProgram(name: "docker", variables: variables)
                .run(["load", "--quiet", "--input", path], in: "/")
        } catch let error as SubprocessError {
            throw BuildError(
                "cannot run docker to load the image: \(error)",
                hints: ["--output type=docker,dest=FILE.tar writes an archive without it"]
            )
        }
        guard result.isSuccess else {
            throw BuildError("docker cannot load the image", notes: result.lastWords)
        }
    }
}
