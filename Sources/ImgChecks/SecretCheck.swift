package import ImgReport

/// What is said about secrets among the files that a COPY or ADD brings.
package enum SecretCheck {
    /// The path of what a finding is about.
    package static func subject(_ secret: CopiedSecret, at path: [UInt8]) -> [UInt8] {
        secret.kind == .repository ? Array(path.dropLast("/HEAD".utf8.count)) : path
    }

    /// - Parameters:
    ///   - subject: ``subject(_:at:)``.
    ///   - severity: How grave a secret is; what the history of a repository holds is not known.
    ///   - isIgnorable: Whether it comes from a context, to which an ignore file belongs.
    package static func finding(
        _ secret: CopiedSecret,
        subject: [UInt8],
        severity: Diagnostic.Severity,
        isIgnorable: Bool,
        at range: SourceRange?
    ) -> Diagnostic {
        let path = "/" + String(decoding: subject, as: UTF8.self)
        let parts = path.split(separator: "/").suffix(2)
        // `credentials` alone could be anything, `.aws/credentials` is not.
        let pattern = "**/" + (parts.first?.first == "." ? parts[...] : parts.suffix(1)).joined(separator: "/")
        let omission =
            "leave it out with " + (isIgnorable ? "the line \(pattern) in .dockerignore" : "--exclude=\(pattern)")
        var finding: Diagnostic
        if secret.kind == .repository {
            finding = CheckRule.gitDirectory.finding(
                .warning,
                "\(path) is a git repository: whoever can pull the image can read its history, also what was deleted since",
                path: path,
                at: range,
                remedy: omission
            )
        } else {
            finding = CheckRule.secretFile.finding(
                severity,
                "\(path) holds \(describe(secret)): whoever can pull the image can read it, also if a later instruction deletes the file",
                path: path,
                at: range,
                remedy:
                    "\(omission), and hand it over when the container starts: as a mounted file or a secret of the platform"
            )
        }
        finding.hints.append(
            "if it is meant to be there: --secret-check-allow '\(path)', or the comment \"# imgbuild: secret-check-allow=\(path)\" in the Dockerfile"
        )
        return finding
    }

    private static func describe(_ secret: CopiedSecret) -> String {
        let detail = secret.detail.isEmpty ? "" : " (\(secret.detail))"
        switch secret.kind {
        case .privateKey: return "a private key\(detail)"
        case .encryptedPrivateKey: return "a private key\(detail), protected by nothing but its passphrase"
        case .aws: return "AWS credentials\(detail)"
        case .docker: return "credentials for registries"
        case .git: return "credentials for git\(detail)"
        case .google: return "the key of a Google Cloud service account"
        case .kubernetes: return "credentials for Kubernetes\(detail)"
        case .netrc: return "a password"
        case .npm: return "credentials for npm\(detail)"
        case .pypi: return "the password for a Python package index"
        case .variables: return "secrets\(detail)"
        case .repository: return "a git repository"
        }
    }
}
