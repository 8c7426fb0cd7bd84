import ImgCredentials
import ImgHTTP
import ImgOCI
import ImgRegistry
import ImgReport
import ImgTasks

/// Examines the way to one repository.
struct RegistryDoctor {
    typealias Finding = DoctorReport.Finding

    let session: BuildSession
    let reference: ImageReference
    let triesPush: Bool

    /// Signatures of requests and tokens of some clouds are refused beyond this difference of clocks.
    private static let largestSkew: Int64 = 300

    func examine() async throws -> DoctorReport {
        var findings: [Finding] = []
        let proxy = proxy
        findings.append(await resolution(isProxied: proxy != nil))
        findings += proxyFindings(proxy)
        let probe: RegistryProbe
        do {
            probe = try await session.registry.probe(reference)
        } catch {
            return DoctorReport(findings: findings + [Self.failure("connect", error)])
        }
        findings += connection(probe)
        guard let credentials = await credentials(&findings) else { return DoctorReport(findings: findings) }
        findings.append(await signIn(credentials))
        let digest = await pull(&findings)
        findings += await scopes()
        if triesPush { findings.append(await push()) }
        findings += await features(digest)
        return DoctorReport(findings: findings)
    }

    private static func failure(_ name: String, _ error: RegistryError) -> Finding {
        let report = error.buildError
        let words = report.diagnostics.flatMap { [$0.message] + $0.notes + $0.hints }
        return Finding(verdict: .fail, name: name, detail: words.joined(separator: "; "))
    }
}

// MARK: - The way there

extension RegistryDoctor {
    private var proxy: String? {
        URLParts("https://\(reference.apiHost)/v2/")
            .flatMap { ProxySelection.proxy(for: $0, environment: session.environment.variables) }
    }

    private func resolution(isProxied: Bool) async -> Finding {
        let host = URLParts("https://\(reference.apiHost)/")?.host ?? reference.apiHost
        let addresses = try? await session.pool.run { NameResolution.addresses(of: host) }
        guard let addresses, !addresses.isEmpty else {
            return Finding(
                verdict: isProxied ? .warn : .fail,
                name: "dns",
                detail: "\(host) has no address here\(isProxied ? "; the proxy may know it" : "")"
            )
        }
        return Finding(verdict: .ok, name: "dns", detail: "\(host) is \(addresses.joined(separator: ", "))")
    }

    private func proxyFindings(_ proxy: String?) -> [Finding] {
        let used = proxy.map { "through \(URLMask.mask($0))" } ?? "none"
        let conflicts = ProxySelection.conflicts(environment: session.environment.variables)
        return [Finding(verdict: .ok, name: "proxy", detail: used)]
            + conflicts.map { name in
                let detail = "\(name) and \(name.uppercased()) differ; \(name) counts"
                return Finding(verdict: .warn, name: "proxy", detail: detail)
            }
    }

    private func connection(_ probe: RegistryProbe) -> [Finding] {
        var findings: [Finding] = []
        let tls =
            !probe.isEncrypted
            ? "not encrypted" : probe.isVerified ? "certificate verified" : "certificate not verified"
        findings.append(
            Finding(
                verdict: probe.isEncrypted && probe.isVerified ? .ok : .warn,
                name: "tls",
                detail: "\(probe.address): \(tls)"
            )
        )
        if !probe.mirrors.isEmpty {
            let mirrors = probe.mirrors.joined(separator: ", ")
            findings.append(
                Finding(verdict: .ok, name: "mirrors", detail: "\(mirrors) are read first (\(probe.configuration))")
            )
        }
        if let skew = probe.clockSkew {
            let isLarge = abs(skew) > Self.largestSkew
            let detail = "the registry's clock is \(abs(skew)) s \(skew < 0 ? "behind" : "ahead of") this one"
            findings.append(Finding(verdict: isLarge ? .warn : .ok, name: "clock", detail: detail))
        }
        let answers = [200, 401, 403].contains(probe.status)
        findings.append(
            Finding(
                verdict: answers ? .ok : .warn,
                name: "challenge",
                detail: probe.challenge ?? "none (status \(probe.status))"
            )
        )
        return findings
    }
}

// MARK: - Rights

extension RegistryDoctor {
    private func credentials(_ findings: inout [Finding]) async -> ResolvedCredential? {
        do {
            let found = try await session.credentials.credential(
                for: reference.domain,
                repository: reference.path,
                purpose: .push
            )
            let isAnonymous = found.credential == .anonymous
            findings.append(
                Finding(
                    verdict: isAnonymous && triesPush ? .warn : .ok,
                    name: "credentials",
                    detail: isAnonymous ? found.source : "\(found.identity) from \(found.source)"
                )
            )
            return found
        } catch {
            let detail = error.diagnostics.flatMap { [$0.message] + $0.hints }.joined(separator: "; ")
            findings.append(Finding(verdict: .fail, name: "credentials", detail: detail))
            return nil
        }
    }

    private func signIn(_ credentials: ResolvedCredential) async -> Finding {
        do {
            let signIn = try await session.registry.signIn(to: RegistryName.reference(reference.domain))
            return Finding(
                verdict: .ok,
                name: "sign-in",
                detail: signIn.identity.map { "accepted as \($0.identity)" } ?? "not asked for"
            )
        } catch {
            guard credentials.credential == .anonymous, error.code == .unauthorized else {
                return Self.failure("sign-in", error)
            }
            return Finding(verdict: .warn, name: "sign-in", detail: "nothing is given without credentials")
        }
    }

    /// The digest that the reference leads to, when it does.
    private func pull(_ findings: inout [Finding]) async -> Digest? {
        let repository = session.registry.repository(reference)
        do {
            guard let found = try await repository.headManifest(ManifestSelector(reference)) else {
                findings.append(
                    Finding(verdict: triesPush ? .ok : .warn, name: "pull", detail: "\(reference) is not there (yet)")
                )
                return nil
            }
            findings.append(Finding(verdict: .ok, name: "pull", detail: "\(reference) is \(found.digest)"))
            return found.digest
        } catch {
            findings.append(Self.failure("pull", error))
            return nil
        }
    }

    /// What the token server gives; no token is shown.
    private func scopes() async -> [Finding] {
        do {
            let purpose: CredentialPurpose = triesPush ? .push : .pull
            guard let grant = try await session.registry.grant(reference, for: purpose) else { return [] }
            guard let granted = grant.granted else {
                let detail = "a token for \(grant.asked) was given; it does not say what it grants"
                return [Finding(verdict: .ok, name: "scopes", detail: detail)]
            }
            let missing = grant.asked.actions.filter { !granted.contains($0) && !granted.contains("*") }
            let words = granted.isEmpty ? "nothing" : granted.joined(separator: ",")
            let detail = "\(words) granted on \(grant.asked.name)"
            guard !missing.isEmpty else { return [Finding(verdict: .ok, name: "scopes", detail: detail)] }
            let asked = "; asked for \(grant.asked.actions.joined(separator: ","))"
            return [Finding(verdict: .warn, name: "scopes", detail: detail + asked)]
        } catch {
            return [Self.failure("scopes", error)]
        }
    }

    private func push() async -> Finding {
        do {
            try await session.registry.repository(reference, for: .push).tryPush()
            return Finding(verdict: .ok, name: "push", detail: "allowed: an upload was opened and cancelled")
        } catch {
            return Self.failure("push", error)
        }
    }

    private func features(_ digest: Digest?) async -> [Finding] {
        var findings = [
            Finding(verdict: .ok, name: "mounts", detail: "not known before a push has tried one")
        ]
        guard let digest else { return findings }
        let repository = session.registry.repository(reference)
        if let hasAPI = try? await repository.hasReferrersAPI(for: digest) {
            let detail = hasAPI ? "the API is there" : "no API; the fallback tag is used"
            findings.append(Finding(verdict: .ok, name: "referrers", detail: detail))
        }
        if let limit = try? await repository.pullLimit(.digest(digest)) {
            findings.append(Finding(verdict: .ok, name: "rate-limit", detail: "pulls left: \(limit)"))
        } else {
            findings.append(Finding(verdict: .ok, name: "rate-limit", detail: "the registry speaks of none"))
        }
        return findings
    }
}
