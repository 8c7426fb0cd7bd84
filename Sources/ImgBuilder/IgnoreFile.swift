import ImgDockerfile
import ImgReport
import ImgStream

/// Finds and reads the ignore file of a context (IGN-1).
///
/// Blocks.
enum IgnoreFile {
    private static let limit = 4 << 20

    /// `<Dockerfile>.dockerignore` when it exists, even empty, else `.dockerignore` of the context; never both.
    static func read(forDockerfile dockerfile: String?, context: String) throws -> IgnorePatterns? {
        if let dockerfile, PathKind.exists(dockerfile + ".dockerignore") {
            let name = dockerfile.split(separator: "/").last.map { "\($0).dockerignore" } ?? ".dockerignore"
            return try read(dockerfile + ".dockerignore", named: name)
        }
        return try read(context + "/.dockerignore")
    }

    /// Nil when the file does not exist.
    static func read(_ path: String, named name: String = ".dockerignore") throws -> IgnorePatterns? {
        guard PathKind.exists(path) else { return nil }
        let bytes: [UInt8]
        do throws(StreamError) {
            bytes = try FileSource.open(path).readAll(limit: limit)
        } catch {
            throw BuildError("cannot read \(path): \(error.message)")
        }
        return try IgnorePatterns(parsing: bytes, file: SourceFile(name: name, bytes: bytes))
    }
}
