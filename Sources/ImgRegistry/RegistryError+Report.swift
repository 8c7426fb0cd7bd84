import ImgCredentials
import ImgOCI
package import ImgReport

extension RegistryError {
    /// The exit status that this failure leads to (OUT-3).
    package var exitCode: BuildError.Code {
        switch code {
        case .unauthorized, .denied: .denied
        case .notFound, .repositoryUnknown, .manifestUnknown, .blobUnknown: .notFound
        case .network, .tls, .unavailable, .rateLimited, .blocked, .protocol, .digestMismatch, .sizeMismatch: .network
        case .refused, .immutable, .tooLarge, .unsupported, .uploadUnknown: .refused
        case .cancelled: .interrupted
        default: .failure
        }
    }

    /// The failure for people: cause, the server's words, who asked, and what to do next (section 20).
    package var buildError: BuildError {
        BuildError(exitCode, description, notes: reportNotes, hints: hints + (hasOwnRemedies ? [] : remedies))
    }

    private var reportNotes: [String] {
        var lines: [String] = []
        for answer in answers where !(answer.code.isEmpty && answer.message.isEmpty) {
            let words = [answer.code, answer.message].filter { !$0.isEmpty }.joined(separator: ": ")
            lines.append("the server says: \"\(words)\"")
        }
        if let status, code != .cancelled { lines.append("status: \(status)") }
        if let identity, !hasRejectedCredentials {
            lines.append("identity: \(identity)\(credentialSource.map { " (\($0))" } ?? "")")
        }
        if attempts > 1 {
            lines.append(
                "tried \(attempts) times\(firstReason.map { $0 == reason ? "" : "; first failure: \($0)" } ?? "")"
            )
        }
        if code == .tooLarge, let server { lines.append("answered by \"\(server)\"") }
        return lines + notes
    }
}

// MARK: - Remedies

extension RegistryError {
    private var product: RegistryQuirks.Product { RegistryQuirks.of(host: host).product }

    private var isPush: Bool { operation.hasPrefix("push") || operation.hasPrefix("mount") }

    private var remedies: [String] {
        switch code {
        case .unauthorized where identity == nil || identity == "anonymous": anonymousRemedies
        case .unauthorized where hasRejectedCredentials: rejectedRemedies
        case .unauthorized, .denied: permissionRemedies
        case .repositoryUnknown: repositoryRemedies
        case .rateLimited:
            [
                "log in for a higher limit: imgbuild login \(host)",
                "or pull through a mirror, or pin the base by digest so that the cache serves it",
            ]
        case .unavailable where status == 429: ["lower --registry-concurrency, or ask for a higher quota"]
        case .tls: tlsRemedies
        case .network where reason.hasPrefix("cannot resolve"): resolveRemedies
        case .immutable: ["use a new tag"]
        case .tooLarge where isPush:
            [
                "raise the body limit of the proxy in front of the registry (nginx: client_max_body_size; "
                    + "Cloudflare allows 100 MB)"
            ]
        case .refused where status == 507: ["delete images or raise the storage quota"]
        case .refused, .unsupported: refusalRemedies
        case .blocked:
            ["if this is intended, declare the host: --allow-redirect or --registry-insecure"]
        default: []
        }
    }

    private var anonymousRemedies: [String] {
        switch product {
        case .ecr: ["sign in to AWS (profile, role or `aws sso login`); imgbuild gets the registry's password itself"]
        default: ["imgbuild login \(host)"]
        }
    }

    private var rejectedRemedies: [String] {
        switch product {
        case .ecr, .ecrPublic:
            ["imgbuild logout \(host) removes what is stored; with AWS credentials imgbuild signs in itself"]
        case .dockerHub:
            ["log in again, with two-factor login by an access token as the password: imgbuild login docker.io"]
        case .unknown: ["log in again: imgbuild login \(host)"]
        default: ["log in again: imgbuild login \(host)"] + permissionRemedies
        }
    }

    private var permissionRemedies: [String] {
        switch product {
        case .dockerHub where isPush: hubPushRemedies
        case .dockerHub: ["check the spelling; private repositories need `imgbuild login docker.io`"]
        case .ghcr:
            [
                "in GitHub Actions give the job `permissions: packages: write`",
                "with a classic token use the scope `write:packages`; the package's settings must allow this repository's Actions",
            ]
        case .artifactRegistry:
            ["grant roles/artifactregistry.writer on the repository and check that the repository exists"]
        case .ecr, .ecrPublic: ecrPermissionRemedies
        case .gitlab: ["the path must begin with an existing project; a token needs the scope write_registry"]
        default:
            isPush
                ? [
                    "check that the project exists and that this account may push to it, or log in again: imgbuild login \(host)"
                ]
                : ["check the name, or log in with an account that may read it: imgbuild login \(host)"]
        }
    }

    private var hubPushRemedies: [String] {
        var lines: [String] = []
        if repository.hasPrefix("library/") {
            lines.append("add your user name: docker.io/<user>/\(repository.dropFirst("library/".count))")
        }
        return lines + [
            "possible causes: wrong namespace, not logged in, a read-only token, not a member of the organisation, "
                + "no private repositories left, an unverified e-mail address",
            "with two-factor login use an access token as the password: imgbuild login docker.io",
        ]
    }

    private var ecrPermissionRemedies: [String] {
        let isPublic = product == .ecrPublic
        let prefix = isPublic ? "ecr-public" : "ecr"
        var actions = [
            "BatchCheckLayerAvailability", "InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "PutImage",
        ]
        // Reading is free for all in the public registry.
        if !isPublic { actions += ["BatchGetImage", "GetDownloadUrlForLayer"] }
        return [
            "allow \(prefix):GetAuthorizationToken\(isPublic ? " and sts:GetServiceBearerToken" : "") on *, and on the repository "
                + actions.map { "\(prefix):\($0)" }.joined(separator: ", "),
            "for a repository of another account its repository policy must allow this, too",
        ]
    }

    private var repositoryRemedies: [String] {
        switch product {
        case .ecr, .ecrPublic: ecrRepositoryRemedies
        case .artifactRegistry: ["create the repository in Artifact Registry first (project/repository/image)"]
        default: ["check the repository's name; some registries need the project to be created first"]
        }
    }

    private var ecrRepositoryRemedies: [String] {
        guard let registry = ECRRegistry(host: host) else { return [] }
        // A public repository is named without the alias of its account.
        let name = registry.isPublic ? repository.drop { $0 != "/" }.dropFirst() : repository[...]
        return [
            "create it with --create-repository, or: aws \(registry.service) create-repository --repository-name \(name) "
                + "--region \(registry.region)"
        ]
    }

    private var tlsRemedies: [String] {
        let host = peer ?? host
        if wantsClientCertificate {
            return [
                "put client.cert and client.key into /etc/docker/certs.d/\(host)/, or name them in hosts.toml: client"
            ]
        }
        if reason.contains("plain HTTP") { return ["if that is intended: --registry-insecure \(host)"] }
        if reason.contains("expired") || reason.contains("not yet valid") {
            return ["check the certificate's dates and this machine's clock"]
        }
        if reason.contains("match") { return ["use the host name that the certificate was issued for"] }
        return [
            "give the registry's certificate authority with --registry-ca FILE or in /etc/docker/certs.d/\(host)/ca.crt",
            "as a last resort, without any protection: --registry-insecure \(host)",
        ]
    }

    private var resolveRemedies: [String] {
        if host.utf8.contains(where: { (0x41...0x5a).contains($0) }) {
            return [
                "\"\(host)\" was taken as a host name because of its upper-case letters; repository names are lower case"
            ]
        }
        return ["check the spelling and the network (HTTPS_PROXY); images on Docker Hub need no host"]
    }

    private var refusalRemedies: [String] {
        guard isPush, operation.contains("manifest") || operation.contains("tag") else { return [] }
        return [
            "the registry may not know these media types: build with --output type=registry,oci-mediatypes=false or, "
                + "for zstd layers, with --output type=registry,compression=gzip",
            "of an image made elsewhere, attestations may be what it does not take",
        ]
    }
}
