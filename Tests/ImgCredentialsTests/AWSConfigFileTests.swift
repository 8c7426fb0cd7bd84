import Testing

@testable import ImgCredentials

@Suite struct AWSConfigFileTests {
    private func parse(_ text: String) -> AWSConfigFile { AWSConfigFile(parsing: Array(text.utf8)) }

    @Test func readsSectionsCommentsAndBlocks() {
        let file = parse(
            """
            ignored = before any section
            # comment
            ; comment
            [ profile   dev ]\r
            Region = eu-west-1   # trailing
            role_arn=arn:aws:iam::1:role/a;b
            key = v ; other
            empty = # nothing
            url = https://x/#fragment
            s3 =
              max_concurrency = 20
            after = 1
              indented = belongs to nothing
            nonsense
            [broken
            lost = 1
            [default]
            """
        )
        #expect(
            file.sections["profile dev"] == [
                "region": "eu-west-1", "role_arn": "arn:aws:iam::1:role/a;b", "key": "v", "empty": "",
                "url": "https://x/#fragment", "s3": "", "s3.max_concurrency": "20", "after": "1",
                "indented": "belongs to nothing",
            ]
        )
        #expect(file.sections["default"] == [:])
        #expect(file.sections.count == 2)
    }

    @Test func mergesBothFilesKeyByKey() {
        let config = parse(
            """
            [profile a]
            region = eu-west-1
            aws_access_key_id = config
            [b]
            region = not-a-profile
            [profile "quoted name"]
            region = q
            [default]
            region = d
            [sso-session s]
            sso_region = us-west-2
            [services local]
            ecr =
              endpoint_url = http://127.0.0.1:1
            [profile c]
            services = local
            """
        )
        let credentials = parse("[a]\naws_access_key_id = credentials\n[only]\naws_access_key_id = x\n")
        let profiles = AWSProfiles(config: config, credentials: credentials)
        #expect(profiles.names == ["a", "c", "default", "only", "quoted name"])
        #expect(profiles.profile("a")?["aws_access_key_id"] == "credentials")
        #expect(profiles.profile("a")?["region"] == "eu-west-1")
        #expect(profiles.session("s")?["sso_region"] == "us-west-2")
        #expect(profiles.profile("c").flatMap { profiles.serviceEndpoint("ecr", of: $0) } == "http://127.0.0.1:1")
    }

    @Test(arguments: [
        ("<a><b>t</b></a>", "t"),
        ("<?xml version=\"1.0\"?>\n<a xmlns=\"x\"><!-- c --><b> t&amp;&#65;&#x42; </b></a>", "t&AB"),
        ("<a><b><![CDATA[<t>]]></b></a>", "<t>"), ("<a><b/></a>", ""),
    ])
    func readsTheTextOfAnXMLElement(text: String, expected: String) {
        #expect(XMLText(parsing: Array(text.utf8))?.text("a", "b") == expected)
    }

    @Test(arguments: [
        "", "text", "<a>", "<a></b>", "</a>", "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "<a>&x;</a>",
        "<a>&#xD800;</a>",
        "<a></a>trailing", "<a", "<a><b></a></b>", "< a></a>",
    ])
    func refusesOtherXML(_ text: String) {
        #expect(XMLText(parsing: Array(text.utf8)) == nil)
    }
}
