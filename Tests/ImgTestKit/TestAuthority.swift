/// A certificate authority of a test: `ca.pem`, and below it certificates of servers and clients.
package struct TestAuthority: Sendable {
    private let directory: String

    /// The authority's own certificate.
    package var certificate: String { directory + "/ca.pem" }

    /// A certificate with its key.
    package struct Pair: Sendable {
        package let certificate: String
        package let key: String
    }

    /// Makes an authority in a new directory.
    package init(in scratch: Scratch, name: String = "authority") async throws {
        directory = scratch[name]
        try await Program.output("mkdir", [directory])
        try await openssl(
            ["req", "-x509", "-days", "2", "-subj", "/CN=\(name)", "-out", "ca.pem"] + Self.newKey("ca.key")
        )
    }

    /// Issues a certificate for host names, or for a client when there are none.
    package func issue(_ name: String, hosts: [String] = []) async throws -> Pair {
        try await openssl(["req", "-new", "-subj", "/CN=\(name)", "-out", "\(name).csr"] + Self.newKey("\(name).key"))
        let names = hosts.map { "DNS:\($0)" }.joined(separator: ",")
        let extensions = hosts.isEmpty ? "extendedKeyUsage=clientAuth" : "subjectAltName=\(names)"
        try await Program.output(
            "openssl",
            [
                "x509", "-req", "-days", "2", "-in", "\(name).csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-CAcreateserial", "-out", "\(name).pem", "-extfile", "/dev/stdin",
            ],
            in: directory,
            input: extensions + "\n"
        )
        return Pair(certificate: "\(directory)/\(name).pem", key: "\(directory)/\(name).key")
    }

    private func openssl(_ arguments: [String]) async throws {
        try await Program.output("openssl", arguments, in: directory)
    }

    private static func newKey(_ file: String) -> [String] {
        ["-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", file]
    }
}
