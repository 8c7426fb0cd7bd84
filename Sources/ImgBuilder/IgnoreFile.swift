import ImgDockerfile
import ImgReport
import ImgStream

/// Reads the ignore file of a context (IGN-1).
///
/// Blocks.
enum IgnoreFile {
    private static let limit = 4 << 20

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
