import ImgHTTP
import ImgTasks
import ImgTestKit
import Testing

@testable import ImgRegistry

/// Which roots are trusted, and how they are handed to TLS (TLS-2, TLS-4).
@Suite struct TrustStoreTests {
    private static func certificate(_ name: String) -> String {
        "-----BEGIN CERTIFICATE-----\n\(name)\n-----END CERTIFICATE-----\n"
    }

    /// A system with two roots, in a bundle and one by one under hashes.
    private static func system(in scratch: Scratch) throws -> TrustStore.SystemPlaces {
        try scratch.write("certs/bundle.crt", certificate("one") + certificate("two"))
        try scratch.write("certs/0123abcd.0", certificate("one"))
        try scratch.write("certs/one.pem", certificate("one"))
        try scratch.write("certs/0123abcd.1", certificate("two"))
        return TrustStore.SystemPlaces(
            bundles: [scratch["none.crt"], scratch["certs/bundle.crt"]],
            directory: scratch["certs"]
        )
    }

    private static func settings(
        _ system: TrustStore.SystemPlaces,
        _ environment: [String: String] = [:],
        extra: [String] = []
    ) async throws -> (bundle: String?, directory: String?) {
        let files = LocalFiles(pool: BlockingPool(threads: 1))
        let store = TrustStore(files: files, environment: environment, system: system)
        var trust = HostTrust()
        trust.authorityFiles = extra
        let settings = try await store.settings(for: trust, host: "example.com")
        return (settings.caPEM.map { String(decoding: $0, as: UTF8.self) }, settings.caDirectory)
    }

    @Test func aDirectoryWithAllOfTheFirstBundleStandsForIt() async throws {
        try await Scratch.with { scratch in
            var system = try Self.system(in: scratch)
            system.bundles.removeFirst()
            #expect(try await Self.settings(system) == (nil, scratch["certs"]))
            #expect(try await Self.settings(system, ["SSL_CERT_DIR": scratch["certs"]]) == (nil, scratch["certs"]))
            // A root that was added to the bundle alone.
            let added = Self.certificate("one") + Self.certificate("two") + Self.certificate("three")
            try scratch.write("certs/bundle.crt", added)
            #expect(try await Self.settings(system) == (added, nil))
        }
    }

    @Test func anotherBundleIsTakenAsItIs() async throws {
        try await Scratch.with { scratch in
            let system = try Self.system(in: scratch)
            let bundle = Self.certificate("one") + Self.certificate("two")
            #expect(try await Self.settings(system) == (bundle, nil))
            try scratch.write("own.pem", Self.certificate("own"))
            let named = try await Self.settings(system, ["SSL_CERT_FILE": scratch["own.pem"]])
            #expect(named == (Self.certificate("own"), nil))
        }
    }

    @Test func whatIsNamedComesInAddition() async throws {
        try await Scratch.with { scratch in
            let system = try Self.system(in: scratch)
            try scratch.write("more/a.pem", Self.certificate("a"))
            try scratch.write("more/89ab0123.0", Self.certificate("a"))
            try scratch.write("more/README", "no certificate")
            try scratch.write("extra.pem", Self.certificate("extra"))
            let found = try await Self.settings(
                system,
                ["SSL_CERT_DIR": scratch["more"]],
                extra: [scratch["extra.pem"]]
            )
            let names = (found.bundle ?? "").split(separator: "\n").filter { !$0.hasPrefix("-----") }
            #expect(names == ["one", "two", "a", "extra"])
            #expect(found.directory == nil)
        }
    }
}
