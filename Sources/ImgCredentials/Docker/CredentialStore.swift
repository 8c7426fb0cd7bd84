import ImgOCI
package import ImgReport

/// Keeps and removes credentials as `login` and `logout` do, where Docker finds them too (LOG-3…6).
package struct CredentialStore: Sendable {
    /// What storing came to.
    package struct Stored: Hashable, Sendable {
        /// A path or the name of a helper.
        package var location: String
        /// Whether the secret stands there unencrypted.
        package var isPlainText: Bool
    }

    private let context: CredentialContext
    private let sources: DockerConfigSources
    private let helperTimeLimit: Duration

    package init(context: CredentialContext, helperTimeLimit: Duration = .seconds(60)) {
        self.context = context
        sources = DockerConfigSources(context: context)
        self.helperTimeLimit = helperTimeLimit
    }

    /// Keeps a credential that the registry has accepted.
    ///
    /// Warns where the secret ends up unencrypted, where `DOCKER_AUTH_CONFIG` hides it and where it won't last.
    /// - Parameters:
    ///   - credential: A password or identity token.
    ///   - host: As the user wrote it; Docker Hub's names all mean the same.
    package func store(_ credential: Credential, for host: String) async throws(BuildError) -> Stored {
        let entry = try Self.entry(for: credential)
        let key = RegistryKey(host: host)
        let path = try configPath()
        let config = try await sources.loadDockerFile()
        warnAboutVariable()
        if case .basic("AWS", _) = credential, ECRRegistry(host: key.host) != nil {
            context.events.emit(
                .note(
                    "this password expires after 12 hours; imgbuild signs in at \(key.host) itself with AWS credentials"
                )
            )
        }
        guard let choice = await helper(for: key, config) else {
            try await edit(path) { $0.setEntry(entry, for: key.storageKey) }
            context.warn(
                "the secret is stored unencrypted in \(path)",
                hints: ["configure a credential store: `credsStore` in \(path)"]
            )
            return Stored(location: path, isPlainText: true)
        }
        do {
            try await choice.helper.store(credential, for: choice.serverKey)
        } catch {
            throw BuildError(.denied, diagnostics: [choice.helper.describe(error, host: key.host, origin: path)])
        }
        try await edit(path) { file in
            // Docker lists hosts by these empty entries.
            file.setEntry(JSONObject(), for: key.storageKey)
            if choice.isNew { file.root["credsStore"] = .string(choice.helper.suffix) }
        }
        return Stored(location: choice.helper.programName, isPlainText: false)
    }

    /// Removes what is kept for a host, in its helper and in the file.
    /// - Returns: The places it was removed from; empty when nothing was kept.
    package func erase(_ host: String) async throws(BuildError) -> [String] {
        let key = RegistryKey(host: host)
        let path = try configPath()
        let config = try await sources.loadDockerFile()
        warnAboutVariable()
        var places: [String] = []
        if let choice = configuredHelper(for: key, config), await erase(key, choice) {
            places.append(choice.helper.programName)
        }
        let names = key.matches(among: config.auths.map(\.key))
        if !names.isEmpty {
            try await edit(path) { file in
                for name in names { file.removeEntry(name) }
            }
            places.append(path)
        }
        return places
    }
}

extension CredentialStore {
    private struct Choice {
        let helper: CredentialHelper
        let serverKey: String
        /// Whether the file doesn't name the helper yet.
        var isNew = false
    }

    private func configPath() throws(BuildError) -> String {
        guard let path = sources.dockerFile else {
            throw BuildError(
                .failure,
                "there is no home directory to keep credentials in",
                hints: ["set DOCKER_CONFIG"]
            )
        }
        return path
    }

    private func warnAboutVariable() {
        guard context.environment.variable(DockerConfigSources.inlineVariable) != nil else { return }
        context.warn("\(DockerConfigSources.inlineVariable) is set and overrides stored credentials")
    }

    private func helper(_ suffix: String) -> CredentialHelper {
        CredentialHelper(suffix: suffix, context: context, timeLimit: helperTimeLimit)
    }

    private func configuredHelper(for key: RegistryKey, _ config: DockerConfig) -> Choice? {
        if let host = config.hostHelper(for: key) {
            return Choice(helper: helper(host.suffix), serverKey: host.serverKey)
        }
        return config.credentialStore.map { Choice(helper: helper($0), serverKey: key.storageKey) }
    }

    /// The configured helper, or on a machine without any credentials yet the platform's own.
    private func helper(for key: RegistryKey, _ config: DockerConfig) async -> Choice? {
        if let choice = configuredHelper(for: key, config) { return choice }
        guard !config.mentionsCredentials else { return nil }
        let suffix = await context.locate("pass") != nil ? "pass" : "secretservice"
        let platform = helper(suffix)
        guard await platform.isInstalled() else { return nil }
        return Choice(helper: platform, serverKey: key.storageKey, isNew: true)
    }

    /// Helpers differ in what they say about unknown keys, so only known ones are erased.
    private func erase(_ key: RegistryKey, _ choice: Choice) async -> Bool {
        let names = [choice.serverKey, key.host, "http://\(key.host)", "https://\(key.host)", key.storageKey]
        var hasErased = false
        var asked: Set<String> = []
        for name in names where asked.insert(name).inserted {
            do {
                guard try await choice.helper.get(name) != nil else { continue }
                try await choice.helper.erase(name)
                hasErased = true
            } catch {
                var warning = choice.helper.describe(error, host: key.host, origin: sources.dockerFile ?? "")
                warning.severity = .warning
                context.events.emit(.warning(warning))
                return hasErased
            }
        }
        return hasErased
    }

    private func edit(
        _ path: String,
        _ change: @escaping @Sendable (inout DockerConfigDocument) -> Void
    ) async throws(BuildError) {
        do {
            try await context.files.update(path) { bytes in
                var document = try DockerConfigDocument(bytes ?? [], origin: path)
                change(&document)
                return document.encoded()
            }
        } catch let error as BuildError {
            throw error
        } catch {
            throw BuildError(.failure, "cannot write \(path): \(error)")
        }
    }

    private static func entry(for credential: Credential) throws(BuildError) -> JSONObject {
        let pair: (user: String, password: Secret, token: Secret?)
        switch credential {
        case .basic(let user, let password): pair = (user, password, nil)
        case .identityToken(let user, let token): pair = (user ?? "", Secret(""), token)
        case .anonymous, .registryToken: throw BuildError(.usage, "only passwords and identity tokens can be stored")
        }
        guard !(pair.token ?? pair.password).isEmpty else { throw BuildError(.usage, "the password is empty") }
        guard !pair.user.contains(":") else {
            throw BuildError(.usage, "the user name \(ForeignText.line(pair.user)) contains a colon")
        }
        var entry = JSONObject()
        entry["auth"] = .string(Base64.encode(Array("\(pair.user):\(pair.password.exposed)".utf8)))
        if let token = pair.token { entry["identitytoken"] = .string(token.exposed) }
        return entry
    }
}
