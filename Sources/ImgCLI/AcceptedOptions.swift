import ArgumentParser

/// Flags of buildx that have nothing to act on here.
///
/// Each one given is answered with a notice, never ignored silently.
struct AcceptedOptions: ParsableArguments {
    @Option(name: .customLong("add-host"), parsing: .unconditionalSingleValue, help: .hidden) var addHost: [String] = []
    @Option(name: .customLong("allow"), parsing: .unconditionalSingleValue, help: .hidden) var allow: [String] = []
    @Option(name: .customLong("attest"), parsing: .unconditionalSingleValue, help: .hidden) var attest: [String] = []
    @Option(name: .customLong("builder"), help: .hidden) var builder: String?
    @Option(name: .customLong("cgroup-parent"), help: .hidden) var cgroupParent: String?
    @Option(name: .customLong("network"), help: .hidden) var network: String?
    @Option(name: .customLong("no-cache-filter"), parsing: .unconditionalSingleValue, help: .hidden) var noCacheFilter:
        [String] = []
    @Option(name: .customLong("provenance"), help: .hidden) var provenance: String?
    @Option(name: .customLong("sbom"), help: .hidden) var sbom: String?
    @Option(name: .customLong("secret"), parsing: .unconditionalSingleValue, help: .hidden) var secret: [String] = []
    @Option(name: .customLong("shm-size"), help: .hidden) var shmSize: String?
    @Option(name: .customLong("ssh"), parsing: .unconditionalSingleValue, help: .hidden) var ssh: [String] = []
    @Option(name: .customLong("ulimit"), parsing: .unconditionalSingleValue, help: .hidden) var ulimit: [String] = []
    @Option(name: [.customShort("m"), .customLong("memory")], help: .hidden) var memory: String?
    @Option(name: .customLong("memory-swap"), parsing: .unconditional, help: .hidden) var memorySwap: String?
    @Option(name: [.customShort("c"), .customLong("cpu-shares")], help: .hidden) var cpuShares: String?
    @Option(name: .customLong("cpu-period"), help: .hidden) var cpuPeriod: String?
    @Option(name: .customLong("cpu-quota"), parsing: .unconditional, help: .hidden) var cpuQuota: String?
    @Option(name: .customLong("cpuset-cpus"), help: .hidden) var cpusetCPUs: String?
    @Option(name: .customLong("cpuset-mems"), help: .hidden) var cpusetMemories: String?
    @Option(name: .customLong("isolation"), help: .hidden) var isolation: String?
    @Option(name: .customLong("resource"), parsing: .unconditionalSingleValue, help: .hidden) var resources: [String] =
        []
    @Option(name: .customLong("security-opt"), parsing: .unconditionalSingleValue, help: .hidden) var securityOptions:
        [String] = []
    @Option(name: .customLong("policy"), parsing: .unconditionalSingleValue, help: .hidden) var policies: [String] = []
    @Flag(name: .customLong("compress"), help: .hidden) var compress = false
    @Flag(name: .customLong("squash"), help: .hidden) var squash = false
    @Flag(name: .customLong("rm"), help: .hidden) var rm = false
    @Flag(name: .customLong("force-rm"), help: .hidden) var forceRm = false

    func validate() throws {
        for (flag, value) in [("--provenance", provenance), ("--sbom", sbom)] {
            guard let value, !["false", "0", "disabled=true"].contains(value.lowercased()) else { continue }
            throw ValidationError(
                "\(flag)=\(value) is not there yet: imgbuild writes no attestations; leave it out or give \(flag)=false."
            )
        }
        for value in attest where !value.split(separator: ",").contains("disabled=true") {
            throw ValidationError("--attest=\(value) is not there yet: imgbuild writes no attestations; leave it out.")
        }
        if let policy = policies.first {
            throw ValidationError("--policy=\(policy) is not supported: imgbuild evaluates no policies; leave it out.")
        }
        if let network, !["default", "none", "host"].contains(network) {
            throw ValidationError("--network=\(network) is not a network mode: default, none or host.")
        }
    }

    /// One line per flag that was given and has no effect.
    var notices: [String] {
        var notices: [String] = []
        func onlyRun(_ flag: String, _ isGiven: Bool) {
            if isGiven { notices.append("\(flag) has no effect: it concerns RUN, which imgbuild does not execute") }
        }
        onlyRun("--add-host", !addHost.isEmpty)
        onlyRun("--allow", !allow.isEmpty)
        onlyRun("--cgroup-parent", cgroupParent != nil)
        onlyRun("--network", network != nil)
        onlyRun("--secret", !secret.isEmpty)
        onlyRun("--shm-size", shmSize != nil)
        onlyRun("--ssh", !ssh.isEmpty)
        onlyRun("--ulimit", !ulimit.isEmpty)
        onlyRun("--rm", rm)
        onlyRun("--force-rm", forceRm)
        onlyRun("--memory", memory != nil)
        onlyRun("--memory-swap", memorySwap != nil)
        onlyRun("--cpu-shares", cpuShares != nil)
        onlyRun("--cpu-period", cpuPeriod != nil)
        onlyRun("--cpu-quota", cpuQuota != nil)
        onlyRun("--cpuset-cpus", cpusetCPUs != nil)
        onlyRun("--cpuset-mems", cpusetMemories != nil)
        onlyRun("--isolation", isolation != nil)
        onlyRun("--resource", !resources.isEmpty)
        onlyRun("--security-opt", !securityOptions.isEmpty)
        if squash { notices.append("--squash has no effect, as in BuildKit: each COPY and ADD is a layer") }
        if compress { notices.append("--compress has no effect: the context is read where it is") }
        if builder != nil { notices.append("--builder has no effect: there is no daemon to choose") }
        if !noCacheFilter.isEmpty {
            notices.append("--no-cache-filter has no effect: layers are keyed by their content; use --no-cache")
        }
        return notices
    }
}
