import ImgDockerfile
import ImgOCI

/// What a stage has come to after some of its instructions.
struct StageState {
    var config: ImageConfig
    var variables = Variables()
    /// ARG names of the stage and those it is built on; unset ones are no misspelling.
    var declared: Set<String> = []
    /// Names can only be looked up where something is (CP-28).
    var hasFileSystem: Bool
    /// WORKDIR was given in this chain of the file, so that a relative one is harmless.
    var hasWorkdir = false
    var steps: [Step] = []
    /// CMD stands in this very stage (CFG-7).
    var hasCommand = false

    /// The state that a stage built on this one starts with (ARG-7, IMG-2).
    func child() -> StageState {
        var child = self
        child.steps = []
        child.hasCommand = false
        child.config.config.onBuild = []
        return child
    }

    static let defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// Before the first instruction (ARG-14, CFG-2).
    mutating func start() {
        if !config.config.workingDir.isEmpty, !config.config.workingDir.hasPrefix("/") {
            config.config.workingDir = workdir
        }
        if !config.config.env.contains(where: { $0.hasPrefix("PATH=") }) {
            config.config.env.append(Self.defaultPath)
        }
        variables.adopt(environment: config.config.env)
    }

    /// Absolute; relative destinations and directories start here (CFG-1, CFG-2).
    var workdir: String {
        let current = config.config.workingDir
        return current.hasPrefix("/") ? PathCleaning.clean(current) : PathCleaning.clean("/" + current)
    }

    /// ARG-15.
    mutating func setEnvironment(_ key: String, _ value: String) {
        let entry = "\(key)=\(value)"
        let position = config.config.env.firstIndex { existing in
            existing.prefix { $0 != "=" } == key
        }
        if let position {
            config.config.env[position] = entry
        } else {
            config.config.env.append(entry)
        }
    }
}

extension ImageConfig {
    /// The configuration of `FROM scratch` (IMG-1).
    static func scratch(_ platform: Platform) -> ImageConfig {
        var config = ImageConfig(platform: platform)
        config.config.workingDir = "/"
        return config
    }

    /// What a stage takes over from its base image (STG-11): all that says how to run it, nothing that says how it was made.
    var inherited: ImageConfig {
        var copy = self
        copy.created = nil
        copy.config.onBuild = []
        for name in Self.legacyMembers { copy.extra[name] = nil }
        for name in Self.legacyConfigMembers { copy.config.extra[name] = nil }
        return copy
    }

    private static let legacyMembers = [
        "id", "parent", "parent_id", "container", "container_config", "docker_version", "throwaway", "Size", "checksum",
        "layer_id",
    ]
    private static let legacyConfigMembers = [
        "Hostname", "Domainname", "AttachStdin", "AttachStdout", "AttachStderr", "Tty", "OpenStdin", "StdinOnce",
        "Image", "MacAddress", "NetworkDisabled", "Memory", "MemorySwap", "CpuShares", "Cpuset",
    ]

    /// PLT-8.
    /// - Parameter requested: nil when no platform was asked for.
    mutating func adopt(platform requested: Platform?) {
        if let requested {
            let isOther = platform.os != requested.os || platform.architecture != requested.architecture
            platform.os = requested.os
            platform.architecture = requested.architecture
            if requested.variant != nil || isOther { platform.variant = requested.variant }
            if requested.osVersion != nil || isOther { platform.osVersion = requested.osVersion }
            if !requested.osFeatures.isEmpty { platform.osFeatures = requested.osFeatures }
        }
        platform = platform.normalized
    }
}
