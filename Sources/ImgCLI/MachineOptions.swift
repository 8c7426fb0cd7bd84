import ArgumentParser
import Glibc
import ImgBuilder
import ImgReport

/// How this machine reaches registries and where it keeps its cache; shared by all commands.
struct MachineOptions: ParsableArguments {
    @Option(
        name: .customLong("registry-insecure"),
        parsing: .unconditionalSingleValue,
        help: "HOST[:PORT], *.SUFFIX or ADDRESS/BITS: plain HTTP or an unverified certificate will do there."
    )
    var insecure: [String] = []

    @Option(
        name: .customLong("registry-ca"),
        parsing: .unconditionalSingleValue,
        help: "[HOST=]FILE with certificate authorities to trust as well."
    )
    var authorities: [String] = []

    @Option(
        name: .customLong("registry-config-dir"),
        parsing: .unconditionalSingleValue,
        help: "Directory of hosts.toml files instead of /etc/containerd/certs.d; repeatable."
    )
    var configurationDirectories: [String] = []

    @Option(
        name: .customLong("allow-redirect"),
        parsing: .unconditionalSingleValue,
        help: "HOST that a registry may lead to although it is an internal one."
    )
    var redirectHosts: [String] = []

    @Flag(
        name: .customLong("strict-ssrf"),
        help: "Refuse hosts that a registry leads to when their name has an internal address."
    )
    var refusesInternalAddresses = false

    @Flag(
        name: .customLong("strict-realm"),
        help: "Send credentials to no token server outside of the registry's own domain."
    )
    var requiresRelatedRealm = false

    @Option(name: .customLong("registry-concurrency"), help: "Blob transfers at a time per registry.")
    var concurrency: Int?

    @Option(name: .customLong("aws-profile"), help: "Profile of the AWS configuration for Amazon ECR.")
    var awsProfile: String?

    @Option(name: .customLong("cache-dir"), help: "Cache (default: $IMGBUILD_CACHE_DIR or $XDG_CACHE_HOME/imgbuild).")
    var cacheDirectory: String?

    /// The environment of this process with these options.
    func environment() throws -> BuilderEnvironment {
        var environment = BuilderEnvironment.current
        if let cacheDirectory { environment.cacheDirectory = environment.absolute(cacheDirectory) }
        environment.registry.insecureHosts = insecure
        environment.registry.certificateAuthorities = authorities.map { text in
            let (host, named) = InputOptions.pair(text)
            return RegistrySettings.CertificateAuthority(
                host: named == nil ? nil : host,
                path: environment.absolute(named ?? text)
            )
        }
        environment.registry.configurationDirectories = configurationDirectories.map(environment.absolute)
        environment.registry.redirectHosts = redirectHosts
        environment.registry.refusesInternalAddresses = refusesInternalAddresses
        environment.registry.requiresRelatedRealm = requiresRelatedRealm
        if let concurrency {
            guard (1...64).contains(concurrency) else {
                throw BuildError(.usage, "invalid value \(concurrency) of --registry-concurrency: 1 to 64")
            }
            environment.registry.concurrency = concurrency
        }
        environment.registry.awsProfile = awsProfile
        try environment.registry.validate()
        return environment
    }
}

extension BuilderEnvironment {
    /// Environment, home and working directory of this process.
    static var current: BuilderEnvironment {
        var variables: [String: String] = [:]
        var entry = unsafe environ
        while let text = unsafe entry.pointee {
            let (name, value) = InputOptions.pair(unsafe String(cString: text))
            variables[name] = value
            unsafe entry += 1
        }
        let working = unsafe getcwd(nil, 0)
        defer { unsafe free(working) }
        return BuilderEnvironment(
            variables: variables,
            homeDirectory: variables["HOME"] ?? "/",
            workingDirectory: unsafe working.map { unsafe String(cString: $0) } ?? "/"
        )
    }
}
