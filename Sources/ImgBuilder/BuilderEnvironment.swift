import Glibc
import ImgOCI

/// What a builder knows of the machine it runs on, read once by whoever embeds it.
public struct BuilderEnvironment: Sendable, Hashable {
    /// Environment variables.
    public var variables: [String: String]
    /// The user's home, for credentials and caches.
    public var homeDirectory: String
    /// Relative paths of a request count from here.
    public var workingDirectory: String
    /// Blobs, layer records and path indexes; nil means `$IMGBUILD_CACHE_DIR`, `$XDG_CACHE_HOME/imgbuild` or `~/.cache/imgbuild`.
    public var cacheDirectory: String?
    /// How registries are reached.
    public var registry = RegistrySettings()
    /// Threads for reading, hashing and compressing; nil means one per processor.
    public var workers: Int?

    /// Makes an environment from its parts.
    public init(variables: [String: String], homeDirectory: String, workingDirectory: String) {
        self.variables = variables
        self.homeDirectory = homeDirectory
        self.workingDirectory = workingDirectory
    }

    /// Where the cache is (CLI flag, `IMGBUILD_CACHE_DIR`, XDG).
    package var resolvedCacheDirectory: String {
        if let cacheDirectory { return absolute(cacheDirectory) }
        if let path = variables["IMGBUILD_CACHE_DIR"], !path.isEmpty { return absolute(path) }
        if let path = variables["XDG_CACHE_HOME"], path.hasPrefix("/") { return path + "/imgbuild" }
        return homeDirectory + "/.cache/imgbuild"
    }

    /// A path of a request, made absolute.
    package func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : workingDirectory + "/" + path
    }
}

/// How registries are reached; what is not said here comes from the usual configuration files.
public struct RegistrySettings: Sendable, Hashable {
    /// A PEM file.
    public struct CertificateAuthority: Sendable, Hashable {
        /// Only this `HOST[:PORT]` is trusted by it; nil means all.
        public var host: String?
        /// Absolute.
        public var path: String

        /// Makes an authority.
        public init(host: String? = nil, path: String) {
            self.host = host
            self.path = path
        }
    }

    /// Hosts that may be spoken to in plain HTTP or with an unverified certificate (SCH-2).
    public var insecureHosts: [String] = []
    /// Added to the system's roots (TLS-5).
    public var certificateAuthorities: [CertificateAuthority] = []
    /// Directories of containerd's `hosts.toml` layout, instead of the system's own (MIR-1).
    public var configurationDirectories: [String] = []
    /// Hosts that a registry may lead to although they look internal (SEC-4).
    public var redirectHosts: [String] = []
    /// Whether a host that a registry leads to must not have an internal address, even by name (SEC-4).
    public var refusesInternalAddresses = false
    /// Whether credentials go to token servers of the registry's own domain only (SEC-5).
    public var requiresRelatedRealm = false
    /// Blob transfers at a time per host; nil is the default (NET-11).
    public var concurrency: Int?
    /// Profile of the AWS configuration to use first (AWS-1).
    public var awsProfile: String?

    /// Nothing but the defaults.
    public init() {}
}

extension Timestamp {
    /// The machine's clock.
    static var now: Timestamp {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: Int32(time.tv_nsec))
    }
}
