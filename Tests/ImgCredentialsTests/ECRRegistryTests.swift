import Testing

@testable import ImgCredentials

@Suite struct ECRRegistryTests {
    @Test(arguments: [
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com", "aws", "https://api.ecr.us-east-1.amazonaws.com"),
        ("123456789012.DKR.ECR.xx-new-9.amazonaws.com", "aws", "https://api.ecr.xx-new-9.amazonaws.com"),
        ("123456789012.dkr-ecr.eu-west-1.on.aws", "aws", "https://ecr.eu-west-1.api.aws"),
        ("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com", "aws", "https://ecr-fips.us-east-1.amazonaws.com"),
        ("123456789012.dkr-ecr-fips.us-east-1.on.aws", "aws", "https://ecr-fips.us-east-1.api.aws"),
        (
            "123456789012.dkr.ecr.us-gov-west-1.amazonaws.com", "aws-us-gov",
            "https://api.ecr.us-gov-west-1.amazonaws.com"
        ),
        (
            "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "aws-us-gov",
            "https://ecr-fips.us-gov-west-1.amazonaws.com"
        ),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "aws-cn", "https://api.ecr.cn-north-1.amazonaws.com.cn"),
        (
            "123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn", "aws-cn",
            "https://ecr.cn-north-1.api.amazonwebservices.com.cn"
        ),
        ("123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu", "aws-eusc", "https://api.ecr.eusc-de-east-1.amazonaws.eu"),
        (
            "123456789012.dkr-ecr.eusc-de-east-1.on.amazonwebservices.eu", "aws-eusc",
            "https://api.ecr.eusc-de-east-1.api.amazonwebservices.eu"
        ),
        ("123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov", "aws-iso", "https://api.ecr.us-iso-east-1.c2s.ic.gov"),
        (
            "123456789012.dkr.ecr.us-isob-east-1.sc2s.sgov.gov", "aws-iso-b",
            "https://api.ecr.us-isob-east-1.sc2s.sgov.gov"
        ),
        (
            "123456789012.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk", "aws-iso-e",
            "https://api.ecr.eu-isoe-west-1.cloud.adc-e.uk"
        ),
        (
            "123456789012.dkr.ecr.us-isof-south-1.csp.hci.ic.gov", "aws-iso-f",
            "https://api.ecr.us-isof-south-1.csp.hci.ic.gov"
        ),
        ("public.ecr.aws", "aws", "https://api.ecr-public.us-east-1.amazonaws.com"),
        ("ecr-public.aws.com", "aws", "https://ecr-public.us-east-1.api.aws"),
    ])
    func recognises(host: String, partition: String, endpoint: String) throws {
        let registry = try #require(ECRRegistry(host: host))
        #expect(registry.partition.name == partition)
        #expect(registry.endpoints(fips: false, dualStack: false).first == endpoint)
        #expect(registry.account == (registry.isPublic ? nil : "123456789012"))
    }

    @Test func takesTheRegionFromTheHost() {
        #expect(ECRRegistry(host: "123456789012.dkr.ecr.ap-south-2.amazonaws.com")?.region == "ap-south-2")
        #expect(ECRRegistry(host: "public.ecr.aws")?.region == "us-east-1")
        #expect(ECRRegistry(host: "public.ecr.aws")?.service == "ecr-public")
    }

    @Test(arguments: [
        "12345678901.dkr.ecr.us-east-1.amazonaws.com", "1234567890123.dkr.ecr.us-east-1.amazonaws.com",
        "12345678901x.dkr.ecr.us-east-1.amazonaws.com", "123456789012.dkr.ecr.us-east-1.amazonaws.com:443",
        "123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.example", "123456789012.dkr.ecr.us-east-1.example.com",
        "123456789012.dkr.ecr.-us.amazonaws.com", "123456789012.dkr.ecr..amazonaws.com", "ecr.aws", "docker.io",
        "evil.123456789012.dkr.ecr.us-east-1.amazonaws.com", "",
    ])
    func leavesOthersAlone(_ host: String) {
        #expect(ECRRegistry(host: host) == nil)
    }

    @Test func choosesEndpointsByFlags() throws {
        let standard = try #require(ECRRegistry(host: "123456789012.dkr.ecr.us-east-1.amazonaws.com"))
        #expect(
            standard.endpoints(fips: true, dualStack: false)
                == ["https://ecr-fips.us-east-1.amazonaws.com", "https://api.ecr-fips.us-east-1.amazonaws.com"]
        )
        #expect(standard.endpoints(fips: false, dualStack: true) == ["https://ecr.us-east-1.api.aws"])
        #expect(standard.endpoints(fips: true, dualStack: true).first == "https://ecr-fips.us-east-1.api.aws")
        let china = try #require(ECRRegistry(host: "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn"))
        #expect(
            china.endpoints(fips: true, dualStack: false).first == "https://api.ecr-fips.cn-north-1.amazonaws.com.cn"
        )
        let open = try #require(ECRRegistry(host: "public.ecr.aws"))
        #expect(open.endpoints(fips: false, dualStack: true) == ["https://ecr-public.us-east-1.api.aws"])
    }
}
