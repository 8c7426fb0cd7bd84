/// One of Amazon's separate clouds with its domain names (ECR-4).
struct AWSPartition: Hashable, Sendable {
    let name: String
    /// What region names begin with; empty for the partition of all other regions.
    let regionPrefix: String
    /// Domains of registry hosts, the dual-stack one included.
    let registrySuffixes: [String]
    let apiSuffix: String
    let dualStackSuffix: String

    static let all = [
        AWSPartition("aws-us-gov", "us-gov-", ["amazonaws.com", "on.aws"], "amazonaws.com", "api.aws"),
        AWSPartition(
            "aws-cn",
            "cn-",
            ["amazonaws.com.cn", "on.amazonwebservices.com.cn"],
            "amazonaws.com.cn",
            "api.amazonwebservices.com.cn"
        ),
        AWSPartition(
            "aws-eusc",
            "eusc-",
            ["amazonaws.eu", "on.amazonwebservices.eu"],
            "amazonaws.eu",
            "api.amazonwebservices.eu"
        ),
        AWSPartition("aws-iso", "us-iso-", ["c2s.ic.gov"], "c2s.ic.gov", "api.aws.ic.gov"),
        AWSPartition("aws-iso-b", "us-isob-", ["sc2s.sgov.gov"], "sc2s.sgov.gov", "api.aws.scloud"),
        AWSPartition("aws-iso-e", "eu-isoe-", ["cloud.adc-e.uk"], "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
        AWSPartition("aws-iso-f", "us-isof-", ["csp.hci.ic.gov"], "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
        standard,
    ]

    static let standard = AWSPartition("aws", "", ["amazonaws.com", "on.aws"], "amazonaws.com", "api.aws")

    private init(_ name: String, _ regionPrefix: String, _ registrySuffixes: [String], _ api: String, _ dual: String) {
        self.name = name
        self.regionPrefix = regionPrefix
        self.registrySuffixes = registrySuffixes
        apiSuffix = api
        dualStackSuffix = dual
    }

    static func of(region: String) -> AWSPartition {
        all.first { region.hasPrefix($0.regionPrefix) } ?? standard
    }

    /// The partition whose registries have this domain; only `amazonaws.com` and `on.aws` need the region too.
    static func of(registrySuffix: String, region: String) -> AWSPartition? {
        let candidates = all.filter { $0.registrySuffixes.contains(registrySuffix) }
        return candidates.first { !$0.regionPrefix.isEmpty && region.hasPrefix($0.regionPrefix) } ?? candidates.last
    }
}
