/// An Amazon ECR registry as its host name tells (ECR-1…4).
package struct ECRRegistry: Hashable, Sendable {
    /// Lower case, without port.
    package let host: String
    /// Twelve digits; nil for ECR Public.
    package let account: String?
    /// Where the registry lives, and what requests are signed for (ECR-3, ECR-7).
    package let region: String
    let partition: AWSPartition
    let usesFIPS: Bool
    let usesDualStack: Bool

    package var isPublic: Bool { account == nil }
    /// `ecr` or `ecr-public`: the name in signatures and on AWS's command line.
    package var service: String { isPublic ? "ecr-public" : "ecr" }
    /// The prefix of permissions.
    var permissionPrefix: String { service }

    /// - Returns: nil for hosts of other registries, and for any host with a port.
    package init?(host: String) {
        let host = host.lowercased()
        self.host = host
        if ["public.ecr.aws", "ecr-public.aws.com"].contains(host) {
            account = nil
            region = "us-east-1"
            partition = .standard
            usesFIPS = false
            usesDualStack = host == "ecr-public.aws.com"
            return
        }
        guard let parts = Self.split(host),
            let partition = AWSPartition.of(registrySuffix: parts.suffix, region: parts.region)
        else { return nil }
        account = parts.account
        region = parts.region
        self.partition = partition
        usesFIPS = parts.service.hasSuffix("-fips")
        usesDualStack = parts.service.hasPrefix("dkr-ecr")
    }

    private struct Parts {
        let account: String
        let service: String
        let region: String
        let suffix: String
    }

    /// `<account>.dkr.ecr[-fips].<region>.<suffix>` or `<account>.dkr-ecr[-fips].<region>.<suffix>`.
    private static func split(_ host: String) -> Parts? {
        let labels = host.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard labels.count >= 5, labels[0].utf8.count == 12, labels[0].utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else {
            return nil
        }
        let service: String
        let regionIndex: Int
        if labels[1] == "dkr", ["ecr", "ecr-fips"].contains(labels[2]) {
            service = "dkr.\(labels[2])"
            regionIndex = 3
        } else if ["dkr-ecr", "dkr-ecr-fips"].contains(labels[1]) {
            service = labels[1]
            regionIndex = 2
        } else {
            return nil
        }
        let region = labels[regionIndex]
        guard let first = region.utf8.first, first != UInt8(ascii: "-"), first != UInt8(ascii: "_"),
            region.utf8.allSatisfy(isRegionByte)
        else { return nil }
        let suffix = labels[(regionIndex + 1)...].joined(separator: ".")
        return Parts(account: labels[0], service: service, region: region, suffix: suffix)
    }

    private static func isRegionByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
            UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

extension ECRRegistry {
    /// URLs of the API, the second only for the case that the first name doesn't resolve (ECR-5…7).
    func endpoints(fips: Bool, dualStack: Bool) -> [String] {
        let fips = fips || usesFIPS
        let dualStack = dualStack || usesDualStack
        if isPublic {
            return [
                dualStack
                    ? "https://ecr-public.us-east-1.api.aws" : "https://api.ecr-public.us-east-1.amazonaws.com"
            ]
        }
        let suffix = dualStack ? partition.dualStackSuffix : partition.apiSuffix
        let isShort = ["aws", "aws-us-gov"].contains(partition.name)
        if fips {
            let names = isShort ? ["ecr-fips", "api.ecr-fips"] : ["api.ecr-fips", "ecr-fips"]
            return names.map { "https://\($0).\(region).\(suffix)" }
        }
        let hasShortDualStack = isShort || partition.name == "aws-cn"
        let name = dualStack && hasShortDualStack ? "ecr" : "api.ecr"
        return ["https://\(name).\(region).\(suffix)"]
    }
}
