import ImgCredentials
import ImgOCI
import ImgRegistry
public import ImgReport

/// An account at a registry.
public struct LoginRequest: Sendable {
    /// As the user wrote it; nil and all of Docker Hub's names mean Docker Hub.
    public var host: String?
    /// `<token>` when the password is an identity token.
    public var user: String
    let password: Secret

    /// The password is never printed.
    public init(host: String?, user: String, password: String) {
        self.host = host
        self.user = user
        self.password = Secret(password)
    }
}

/// Where a credential is now.
public struct LoginResult: Sendable {
    /// Host and port, if any.
    public var host: String
    /// A path or the name of a credential helper.
    public var location: String

    /// Makes it from its parts, as tests without a builder need it.
    public init(host: String, location: String) {
        self.host = host
        self.location = location
    }
}

extension Builder {
    /// Keeps credentials after the registry has accepted them (LOG-1…5).
    ///
    /// - Throws: ``BuildError`` with `.denied` when the registry does not accept them; then nothing is stored.
    public func login(_ request: LoginRequest) async throws(BuildError) -> LoginResult {
        let host = try RegistryName.parse(request.host)
        guard !request.user.isEmpty, !request.password.isEmpty else {
            throw BuildError(.usage, "user name and password must not be empty")
        }
        let given: Credential =
            request.user == "<token>"
            ? .identityToken(user: nil, request.password) : .basic(user: request.user, password: request.password)
        return try await perform { session in
            let registry = session.registry(presenting: given, to: host)
            let signIn: SignIn
            do {
                signIn = try await registry.signIn(to: RegistryName.reference(host))
            } catch let error as RegistryError where error.code == .unauthorized || error.code == .denied {
                throw Self.refused(error)
            }
            if signIn.identity == nil {
                session.events.emit(
                    .warning(
                        Diagnostic(
                            .warning,
                            "\(host) asks for no credentials here; they are kept without being verified"
                        )
                    )
                )
            }
            let kept = signIn.refreshToken.map { Credential.identityToken(user: request.user, $0) } ?? given
            let stored = try await session.credentialStore.store(kept, for: host)
            return LoginResult(host: host, location: stored.location)
        }
    }

    private static func refused(_ error: RegistryError) -> BuildError {
        var failure = error.buildError
        failure.diagnostics[0].hints = [
            "check user name and password; with two-factor login an access token takes the password's place"
        ]
        failure.diagnostics[0].notes.append("nothing was stored")
        return failure
    }

    /// Forgets the credentials for a registry (LOG-6).
    /// - Returns: Where they were; empty when there were none.
    public func logout(_ host: String?) async throws(BuildError) -> [String] {
        let name = try RegistryName.parse(host)
        return try await perform { session in try await session.credentialStore.erase(name) }
    }
}

/// The name of a registry without a repository.
enum RegistryName {
    /// Scheme and path are dropped (LOG-5); nil means Docker Hub.
    static func parse(_ text: String?) throws(BuildError) -> String {
        guard let text, !text.isEmpty else { return "docker.io" }
        var rest = text[...]
        for scheme in ["https://", "http://"] where rest.lowercased().hasPrefix(scheme) {
            rest = rest.dropFirst(scheme.count)
        }
        let host = String(rest.prefix { $0 != "/" })
        let allowed = host.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
            default: "-._:[]".utf8.contains(byte)
            }
        }
        guard !host.isEmpty, allowed else {
            throw BuildError(
                .usage,
                "\"\(text)\" is not the name of a registry",
                hints: ["HOST[:PORT], such as ghcr.io"]
            )
        }
        return ImageReference.isDockerHub(host: host) ? "docker.io" : host
    }

    /// A reference that stands for the registry as such.
    static func reference(_ host: String) -> ImageReference {
        ImageReference(domain: host, path: "", tag: nil, digest: nil)
    }
}

extension BuildSession {
    /// A client that presents one credential to one host.
    func registry(presenting credential: Credential, to host: String) -> RegistryClient {
        let resolver = CredentialResolver(
            context: .make(environment, http: http, trust: trust, pool: pool, events: events),
            options: CredentialResolver.Options(explicit: [host: credential])
        )
        return .make(
            environment,
            http: http,
            trust: trust,
            credentials: resolver,
            createsRepository: false,
            events: events
        )
    }

    var credentialStore: CredentialStore {
        CredentialStore(context: .make(environment, http: http, trust: trust, pool: pool, events: events))
    }
}
