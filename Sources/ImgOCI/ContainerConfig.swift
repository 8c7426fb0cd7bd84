/// How a container of the image is run.
///
/// - SeeAlso: <https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md#properties>, `config`
public struct ContainerConfig: Hashable, Sendable {
    /// User and group as written; empty for root.
    public var user = ""
    /// `80/tcp`, each once; written in order of bytes.
    public var exposedPorts: Set<String> = []
    /// `NAME=value` in order.
    public var env: [String] = []
    /// nil when unset; an empty array never stands in an image.
    public var entrypoint: [String]?
    /// nil when unset.
    public var cmd: [String]?
    /// Paths, each once.
    public var volumes: Set<String> = []
    /// Empty when unset.
    public var workingDir = ""
    /// By key.
    public var labels: [String: String] = [:]
    /// Empty when unset.
    public var stopSignal = ""
    /// Docker extension.
    public var healthcheck: HealthcheckConfig?
    /// Docker extension: the shell of shell-form instructions.
    public var shell: [String]?
    /// Docker extension: triggers for builds on top.
    public var onBuild: [String] = []
    /// Docker extension, set by CMD (CFG-6).
    public var argsEscaped: Bool?
    /// Unknown members in their order.
    public var extra = JSONObject()

    /// An empty configuration.
    public init() {}

    init(json: JSON?) {
        guard var object = json?.objectValue else { return }
        user = object.take("User")?.stringValue ?? ""
        exposedPorts = Set(object.take("ExposedPorts")?.objectValue?.keys ?? [])
        env = object.take("Env")?.stringArray ?? []
        entrypoint = object.take("Entrypoint")?.stringArray.flatMap { $0.isEmpty ? nil : $0 }
        cmd = object.take("Cmd")?.stringArray.flatMap { $0.isEmpty ? nil : $0 }
        volumes = Set(object.take("Volumes")?.objectValue?.keys ?? [])
        workingDir = object.take("WorkingDir")?.stringValue ?? ""
        labels = [String: String](json: object.take("Labels"))
        stopSignal = object.take("StopSignal")?.stringValue ?? ""
        healthcheck = object.take("Healthcheck").flatMap(HealthcheckConfig.init(json:))
        shell = object.take("Shell")?.stringArray.flatMap { $0.isEmpty ? nil : $0 }
        onBuild = object.take("OnBuild")?.stringArray ?? []
        argsEscaped = object.take("ArgsEscaped")?.boolValue
        extra = object
    }

    var json: JSON {
        var object = JSONObject()
        if !user.isEmpty { object["User"] = .string(user) }
        if !exposedPorts.isEmpty { object["ExposedPorts"] = Self.set(exposedPorts) }
        if !env.isEmpty { object["Env"] = .strings(env) }
        object["Entrypoint"] = entrypoint.map(JSON.strings)
        object["Cmd"] = cmd.map(JSON.strings)
        if !volumes.isEmpty { object["Volumes"] = Self.set(volumes) }
        if !workingDir.isEmpty { object["WorkingDir"] = .string(workingDir) }
        if !labels.isEmpty { object["Labels"] = .sortedObject(labels) }
        if !stopSignal.isEmpty { object["StopSignal"] = .string(stopSignal) }
        object["Healthcheck"] = healthcheck?.json
        object["Shell"] = shell.map(JSON.strings)
        if !onBuild.isEmpty { object["OnBuild"] = .strings(onBuild) }
        object["ArgsEscaped"] = argsEscaped.map(JSON.bool)
        object.append(newOf: extra)
        return .object(object)
    }

    /// A set is an object with empty objects as values (MT-16).
    private static func set(_ keys: Set<String>) -> JSON {
        var object = JSONObject()
        for key in keys.sortedByBytes() { object.append(key, .object(JSONObject())) }
        return .object(object)
    }
}

/// A health check; durations are nanoseconds, 0 means unset (CFG-9).
public struct HealthcheckConfig: Hashable, Sendable {
    /// `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", text]`.
    public var test: [String]
    /// Time between checks.
    public var interval: Int64
    /// Limit of one check.
    public var timeout: Int64
    /// Grace at the start.
    public var startPeriod: Int64
    /// Time between checks during the grace.
    public var startInterval: Int64
    /// Failures in a row that count as unhealthy.
    public var retries: Int64
    /// Unknown members in their order.
    public var extra = JSONObject()

    /// Makes a health check.
    public init(
        test: [String],
        interval: Int64 = 0,
        timeout: Int64 = 0,
        startPeriod: Int64 = 0,
        startInterval: Int64 = 0,
        retries: Int64 = 0
    ) {
        self.test = test
        self.interval = interval
        self.timeout = timeout
        self.startPeriod = startPeriod
        self.startInterval = startInterval
        self.retries = retries
    }

    init?(json: JSON) {
        guard var object = json.objectValue else { return nil }
        self.init(
            test: object.take("Test")?.stringArray ?? [],
            interval: object.take("Interval")?.integerValue ?? 0,
            timeout: object.take("Timeout")?.integerValue ?? 0,
            startPeriod: object.take("StartPeriod")?.integerValue ?? 0,
            startInterval: object.take("StartInterval")?.integerValue ?? 0,
            retries: object.take("Retries")?.integerValue ?? 0
        )
        extra = object
    }

    var json: JSON {
        var object = JSONObject()
        if !test.isEmpty { object["Test"] = .strings(test) }
        let numbers = [
            ("Interval", interval), ("Timeout", timeout), ("StartPeriod", startPeriod),
            ("StartInterval", startInterval),
            ("Retries", retries),
        ]
        for (key, value) in numbers where value != 0 { object[key] = .integer(value) }
        object.append(newOf: extra)
        return .object(object)
    }
}
