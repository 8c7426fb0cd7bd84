import ImgTestKit
import Testing

/// A mirror whose copies of layers are damaged.
@Suite struct DamagedMirrorTests {
    enum Place: CaseIterable {
        /// Where the layer can't be inflated any more.
        case middle
        /// Where only the checksums tell.
        case end
    }

    @Test(arguments: Place.allCases) func layersComeFromTheRegistry(_ place: Place) async throws {
        try await Lab.with(bases: ["busybox"]) { lab in
            let upstream = Upstream(lab.registry.host)
            let mirror = try ScriptedServer { exchange in
                var response = try upstream.forward(exchange)
                if exchange.isBlobRead, response.body.count > 100_000 {
                    let offset = place == .middle ? response.body.count / 2 : response.body.count - 1
                    response.body[offset] ^= 1
                }
                return response
            }
            defer { mirror.stop() }
            try lab.scratch.write(
                "hosts/\(lab.registry.host)/hosts.toml",
                "server = \"http://\(lab.registry.host)\"\n[host.\"http://\(mirror.authority)\"]\n"
            )
            let image = lab.reference("base/busybox:1")
            let result = try await lab.imgbuild(["verify", "--registry-config-dir", lab.scratch["hosts"], image])
            #expect(result.status == 0, "\(result)")
            #expect(result.errors.contains("mirror \(mirror.authority) is not asked any more"), "\(result)")
            #expect(result.errors.contains("does not have the digest"), "\(result)")
            // Layers may be under way at the same time.
            let damaged = mirror.requests.count { $0.method == "GET" && $0.target.contains("/blobs/") }
            #expect(damaged > 0, "\(result)")
        }
    }
}
