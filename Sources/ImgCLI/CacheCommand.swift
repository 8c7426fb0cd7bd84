import ArgumentParser
import ImgBuilder
import ImgReport

/// `imgbuild cache`.
struct CacheCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache",
        abstract: "Look at the cache and make it smaller.",
        subcommands: [CacheUsageCommand.self, CachePruneCommand.self]
    )
}

/// Where the cache is.
struct CacheLocation: ParsableArguments {
    @Option(name: .customLong("cache-dir"), help: "Cache (default: $IMGBUILD_CACHE_DIR or $XDG_CACHE_HOME/imgbuild).")
    var directory: String?

    var environment: BuilderEnvironment {
        var environment = BuilderEnvironment.current
        if let directory { environment.cacheDirectory = environment.absolute(directory) }
        return environment
    }
}

/// `imgbuild cache du`.
struct CacheUsageCommand: ToolCommand {
    static let configuration = CommandConfiguration(commandName: "du", abstract: "Show what the cache takes up.")

    @OptionGroup
    var cache: CacheLocation

    func perform() async throws -> Int32 {
        let usage = try await Builder(environment: cache.environment, events: WarningsOnly()).cacheUsage()
        Console.standardOutput.print([
            usage.path, "layers   \(usage.layers)  \(ByteCount(usage.layerBytes))",
            "records  \(usage.records)  \(ByteCount(usage.recordBytes))",
        ])
        return 0
    }
}

/// `imgbuild cache prune`.
struct CachePruneCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Remove what was not used for longest; what was used within the hour stays."
    )

    @Option(
        name: .customLong("keep-storage"),
        help: """
            Bytes that may stay, such as 2GB, beside what was used within the hour; 0 removes everything but what running \
            builds use.
            """
    )
    var keep: String?

    @OptionGroup
    var cache: CacheLocation

    func perform() async throws -> Int32 {
        let limit = try keep.map { text in
            guard let limit = ByteCount.parse(text) else {
                throw BuildError(.usage, "invalid value \"\(text)\" of --keep-storage: a number with B, kB, MB or GB")
            }
            return limit
        }
        let freed = try await Builder(environment: cache.environment, events: WarningsOnly())
            .pruneCache(to: limit)
        Console.standardOutput.print(["freed \(ByteCount(freed))"])
        return 0
    }
}

extension ByteCount {
    /// `500MB`, `2GB`, `1024`; units are powers of 1000.
    static func parse(_ text: String) -> Int64? {
        let units: [(String, Int64)] = [
            ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1000), ("B", 1),
        ]
        let upper = text.uppercased()
        for (unit, factor) in units where upper.hasSuffix(unit) {
            guard let number = Int64(upper.dropLast(unit.count)), number >= 0 else { return nil }
            let (bytes, overflow) = number.multipliedReportingOverflow(by: factor)
            return overflow ? nil : bytes
        }
        guard let number = Int64(text), number >= 0 else { return nil }
        return number
    }
}
