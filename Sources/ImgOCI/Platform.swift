/// An operating system and processor that an image is for.
///
/// - SeeAlso: <https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md>, `platform`; rules PLT-1…4.
public struct Platform: Hashable, Sendable, CustomStringConvertible {
    /// `linux`, in lower case once normalised.
    public var os: String
    /// Go's name of the processor, such as `amd64`, `arm64`, `arm` or `386`.
    public var architecture: String
    /// `v7` and the like; nil when there is none.
    public var variant: String?
    /// Of Windows images.
    public var osVersion: String?
    /// Of Windows images.
    public var osFeatures: [String]

    /// Makes a platform as it is written, without normalising it.
    public init(
        os: String,
        architecture: String,
        variant: String? = nil,
        osVersion: String? = nil,
        osFeatures: [String] = []
    ) {
        self.os = os
        self.architecture = architecture
        self.variant = variant
        self.osVersion = osVersion
        self.osFeatures = osFeatures
    }

    /// `linux/amd64`, `linux/arm/v7`, `windows(10.0.1)/amd64`.
    public var description: String {
        let system = osVersion.map { "\(os)(\($0))" } ?? os
        return ([system, architecture] + [variant].compactMap(\.self)).joined(separator: "/")
    }

    /// The platform this program was built for.
    public static var host: Platform {
        #if arch(arm64)
        Platform(os: "linux", architecture: "arm64")
        #elseif arch(x86_64)
        Platform(os: "linux", architecture: "amd64")
        #else
        Platform(os: "linux", architecture: "unknown")
        #endif
    }
}

// MARK: - Parsing

/// Why a text is not a platform.
public struct PlatformError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, with the text.
    public let description: String
}

extension Platform {
    package static let knownSystems: Set<String> = [
        "aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js", "linux", "macos", "nacl",
        "netbsd", "openbsd", "plan9", "solaris", "windows", "zos",
    ]
    package static let knownArchitectures: Set<String> = [
        "386", "amd64", "amd64p32", "arm", "arm64", "arm64be", "armbe", "loong64", "mips", "mips64", "mips64le",
        "mips64p32", "mips64p32le", "mipsle", "ppc", "ppc64", "ppc64le", "riscv", "riscv64", "s390", "s390x", "sparc",
        "sparc64", "wasm",
    ]

    /// Parses `os`, `arch`, `os/arch` or `os/arch/variant`, with an optional `os(version+feature)`, and normalises it (PLT-1, PLT-2).
    /// - Parameter host: Fills what a one-component text leaves out.
    public init(parsing text: String, host: Platform = .host) throws(PlatformError) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 3 else {
            throw PlatformError(description: "\"\(text)\": too many components; write os/architecture[/variant]")
        }
        var system = parts[0]
        var version: String?
        var features: [String] = []
        if let open = system.firstIndex(of: "("), system.hasSuffix(")") {
            let inner = system[system.index(after: open)...].dropLast()
            let pieces = inner.split(separator: "+", omittingEmptySubsequences: false).map(String.init)
            version = pieces[0].isEmpty ? nil : pieces[0]
            features = Array(pieces.dropFirst())
            system = String(system[..<open])
        }
        for part in [system] + parts.dropFirst() where !part.isPlatformComponent {
            throw PlatformError(
                description:
                    "\"\(text)\": invalid platform component \"\(part)\"; letters, digits, '_', '.' and '-' are allowed"
            )
        }
        var platform: Platform
        switch parts.count {
        case 1:
            let name = system.lowercased()
            let guess = Platform(os: "linux", architecture: name).normalized
            if Self.knownSystems.contains(name) {
                platform = Platform(os: name, architecture: host.architecture, variant: host.variant)
            } else if Self.knownArchitectures.contains(guess.architecture) {
                platform = Platform(os: host.os, architecture: name)
            } else {
                throw PlatformError(description: "\"\(text)\": unknown operating system or architecture")
            }
        case 2: platform = Platform(os: system, architecture: parts[1])
        default: platform = Platform(os: system, architecture: parts[1], variant: parts[2])
        }
        platform.osVersion = version
        platform.osFeatures = features
        self = platform.normalized
    }
}

extension String {
    fileprivate var isPlatformComponent: Bool {
        !isEmpty
            && utf8.allSatisfy {
                switch $0 {
                case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}

// MARK: - Normalising and matching

extension Platform {
    /// The same platform under its canonical names (PLT-2).
    public var normalized: Platform {
        var copy = self
        copy.os = os.lowercased()
        if copy.os == "macos" { copy.os = "darwin" }
        copy.architecture = architecture.lowercased()
        let given = variant.map { $0.lowercased() }.flatMap { $0.isEmpty ? nil : $0 }
        switch (copy.architecture, given) {
        case ("i386", _): (copy.architecture, copy.variant) = ("386", nil)
        case ("x86_64", let level), ("x86-64", let level), ("amd64", let level):
            (copy.architecture, copy.variant) = ("amd64", level == "v1" ? nil : level)
        case ("aarch64", let level), ("arm64", let level):
            copy.architecture = "arm64"
            switch level {
            case "8", "v8", "v8.0": copy.variant = nil
            case "9", "9.0", "v9.0": copy.variant = "v9"
            default: copy.variant = level
            }
        case ("armhf", _): (copy.architecture, copy.variant) = ("arm", "v7")
        case ("armel", _): (copy.architecture, copy.variant) = ("arm", "v6")
        case ("arm", nil), ("arm", "7"): copy.variant = "v7"
        case ("arm", let level?) where ["5", "6", "8"].contains(level): copy.variant = "v\(level)"
        default: copy.variant = given
        }
        if copy.osVersion?.isEmpty == true { copy.osVersion = nil }
        return copy
    }

    /// How well an image for `candidate` serves this platform: 0 is best, nil is not at all (PULL-10).
    ///
    /// amd64 never falls back to 386 nor arm64 to arm: for a builder that would be a silent error (see ``lesser``).
    public func matchRank(of candidate: Platform) -> Int? {
        let wanted = normalized
        let offered = candidate.normalized
        guard wanted.os == offered.os, wanted.architecture == offered.architecture else { return nil }
        if wanted.os == "windows" {
            if let version = wanted.osVersion, version != offered.osVersion { return nil }
            guard Set(offered.osFeatures).isSubset(of: wanted.osFeatures) else { return nil }
        }
        return wanted.variant == offered.variant ? 0 : wanted.rank(ofLesser: offered.variant)
    }

    /// The best platform of another architecture that processors of this one may run; nil for none.
    ///
    /// containerd's `platforms.Only` takes it for the platform itself (PLT-4).
    package var lesser: Platform? {
        var copy = normalized
        switch copy.architecture {
        case "amd64": (copy.architecture, copy.variant) = ("386", nil)
        case "arm64": (copy.architecture, copy.variant) = ("arm", "v8")
        default: return nil
        }
        return copy
    }

    /// The rank of a variant below this platform's own.
    private func rank(ofLesser offered: String?) -> Int? {
        let basis: String
        switch architecture {
        case "amd64": basis = "v1"
        case "arm": basis = "v5"
        case "arm64": basis = "v8"
        default: return offered == nil ? 1 : nil
        }
        guard let own = Level(variant ?? basis), let other = Level(offered ?? basis), let least = Level(basis),
            other.major >= least.major
        else { return nil }
        let steps: Int
        switch (architecture, own.major, other.major) {
        case ("arm64", 8, 8), ("arm64", 9, 9): steps = own.minor - other.minor
        // ARMv9.x has what ARMv8.(x+5) has.
        case ("arm64", 9, 8):
            guard other.minor <= own.minor + 5 else { return nil }
            steps = own.minor + 1 + own.minor + 5 - other.minor
        case ("arm64", _, _): return nil
        default: steps = own.major - other.major
        }
        return steps > 0 ? steps : nil
    }

    /// The numbers in `v7` or `v8.5`.
    private struct Level {
        let major: Int
        let minor: Int

        init?(_ variant: String) {
            guard variant.hasPrefix("v") else { return nil }
            let numbers = variant.dropFirst().split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
            guard numbers.count <= 2, let major = numbers[0], let minor = numbers.count == 2 ? numbers[1] : 0 else {
                return nil
            }
            self.major = Int(major)
            self.minor = Int(minor)
        }
    }
}

// MARK: - JSON

extension Platform {
    package init?(json: JSON) {
        guard let object = json.objectValue else { return nil }
        self.init(
            os: object["os"]?.stringValue ?? "",
            architecture: object["architecture"]?.stringValue ?? "",
            variant: object["variant"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 },
            osVersion: object["os.version"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 },
            osFeatures: object["os.features"]?.stringArray ?? []
        )
    }

    /// Member order of MT-12.
    package var json: JSON {
        var object = JSONObject()
        object["architecture"] = .string(architecture)
        object["os"] = .string(os)
        object["os.version"] = osVersion.map(JSON.string)
        if !osFeatures.isEmpty { object["os.features"] = .strings(osFeatures) }
        object["variant"] = variant.map(JSON.string)
        return .object(object)
    }
}
