import Glibc
import ImgHTTP
import ImgOCI
import ImgRegistry
package import ImgReport
import ImgStream

extension RegistrySettings {
    /// Bytes of a file with certificates that are read.
    private static let bundleLimit = 16 << 20

    /// Looks at once for what could never have an effect, rather than at the first use (TLS-5).
    ///
    /// Reads the files that are named, without leaving the thread.
    package func validate() throws(BuildError) {
        for text in insecureHosts where !HostSettings.isHostPattern(text) {
            throw Self.invalid(text, "--registry-insecure", "HOST[:PORT], *.SUFFIX or a range such as 10.0.0.0/8")
        }
        for text in redirectHosts where !ImageReference.isHost(text) || Authority(text).port != nil {
            throw Self.invalid(text, "--allow-redirect", "a host without port")
        }
        for authority in certificateAuthorities {
            if let host = authority.host, !ImageReference.isHost(host) {
                throw Self.invalid(host, "--registry-ca", "HOST[:PORT] before the \"=\"")
            }
            try Self.checkCertificates(in: authority.path)
        }
        for path in configurationDirectories { try Self.checkDirectory(path) }
    }

    private static func checkCertificates(in path: String) throws(BuildError) {
        let bytes: [UInt8]
        do {
            bytes = try FileSource.open(path).readAll(limit: bundleLimit)
        } catch {
            throw BuildError(.usage, "--registry-ca: \(error.message)")
        }
        guard TrustStore.certificates(bytes) > 0 else {
            throw BuildError(.usage, "--registry-ca: \(path) holds no PEM certificate")
        }
    }

    private static func checkDirectory(_ path: String) throws(BuildError) {
        var status = stat()
        let isThere = unsafe stat(path, &status) == 0
        guard isThere, status.st_mode & S_IFMT == S_IFDIR else {
            let reason = isThere ? "it is no directory" : unsafe String(cString: strerror(errno))
            throw BuildError(.usage, "--registry-config-dir: cannot look into \(path): \(reason)")
        }
    }

    private static func invalid(_ text: String, _ flag: String, _ form: String) -> BuildError {
        BuildError(
            .usage,
            "invalid value \"\(URLMask.mask(text))\" of \(flag): it must be \(form)",
            hints: URLParts(text).map { ["write \($0.authority)"] } ?? []
        )
    }
}
