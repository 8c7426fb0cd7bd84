import ImgTestKit

/// Faults of a base that is read while an image is built on it.
extension HostileRegistryTests {
    /// Answers the GET of something large at the base with a part of it, well announced, and breaks off.
    private static func cut(
        _ exchange: ServerExchange,
        _ world: HostileRegistry.World,
        resets: Bool
    ) throws
        -> HostileRegistry.Reaction
    {
        let response = try world.forward(exchange)
        let count = response.body.count
        guard count > 100_000 else { return .answer(response) }
        try exchange.write("HTTP/1.1 \(response.status) Cut\r\nContent-Length: \(count)\r\n")
        for header in response.headers where header.name == "Content-Range" {
            try exchange.write("\(header.name): \(header.value)\r\n")
        }
        try exchange.write("\r\n")
        try exchange.write(Array(response.body[..<50_000]))
        if resets {
            pause(seconds: 1)
            exchange.reset()
        } else {
            exchange.close()
        }
        return .done
    }

    private static func isBaseTag(_ exchange: ServerExchange) -> Bool {
        exchange.path.hasSuffix("/base/busybox/manifests/1")
    }

    private static func isBaseManifest(_ exchange: ServerExchange) -> Bool {
        exchange.path.contains("/base/busybox/manifests/sha256:")
    }

    /// Changes a byte in the middle.
    private static func spoilt(_ response: ServerResponse) -> ServerResponse {
        var copy = response
        if !copy.body.isEmpty { copy.body[copy.body.count / 2] ^= 1 }
        return copy
    }

    static let downloadFaults: [Case] = [
        Case("a download is reset, once", .success, hasBase: true) { exchange, world in
            guard exchange.isBlobRead, world.tick("cut") <= 4 else { return .pass }
            return try cut(exchange, world, resets: true)
        },
        Case("a download is cut short, once", .success, hasBase: true) { exchange, world in
            guard exchange.isBlobRead, exchange["Range"] == nil else { return .pass }
            return try cut(exchange, world, resets: false)
        },
        Case("every download is cut short", .failure(5, "download blob"), hasBase: true) { exchange, world in
            guard exchange.isBlobRead else { return .pass }
            let response = try world.forward(exchange)
            guard response.body.count > 100_000 || exchange["Range"] != nil else { return .answer(response) }
            try exchange.write("HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\nshort")
            exchange.close()
            return .done
        },
        Case("416 where a download goes on", .failure(5, "fewer"), hasBase: true) { exchange, world in
            guard exchange.isBlobRead else { return .pass }
            guard exchange["Range"] == nil else { return .answer(ServerResponse(416)) }
            return try cut(exchange, world, resets: false)
        },
        Case("a download stalls", .success, hasBase: true) { exchange, world in
            guard exchange.isBlobRead else { return .pass }
            let response = try world.forward(exchange)
            guard response.body.count > 100_000, world.isFirst("stall") else { return .answer(response) }
            try exchange.write("HTTP/1.1 200 OK\r\nContent-Length: \(response.body.count)\r\n\r\n")
            try exchange.write(Array(response.body[..<50_000]))
            for _ in 0..<3 { pause(seconds: 1) }
            try exchange.write(Array(response.body[50_000...]))
            return .done
        },
        Case("layers are spoilt", .failure(5, "does not have the digest sha256:"), hasBase: true) { exchange, world in
            guard exchange.isBlobRead else { return .pass }
            let response = try world.forward(exchange)
            return .answer(response.body.count > 100_000 ? spoilt(response) : response)
        },
        Case("configurations are spoilt", .failure(5, "digest"), hasBase: true) { exchange, world in
            guard exchange.isBlobRead else { return .pass }
            let response = try world.forward(exchange)
            return .answer(response.body.count < 100_000 ? spoilt(response) : response)
        },
        Case("a manifest is another one", .failure(5, "expected sha256:"), hasBase: true) { exchange, world in
            guard isBaseManifest(exchange) else { return .pass }
            return .answer(spoilt(try world.forward(exchange)))
        },
        Case("a wrong digest in the header", .success, hasBase: true) { exchange, world in
            guard isBaseTag(exchange) else { return .pass }
            let other = "sha256:" + String(repeating: "c", count: 64)
            return .answer(try world.forward(exchange).setting("Docker-Content-Digest", other))
        },
        Case("a manifest without end", .failure(5, "bytes"), hasBase: true) { exchange, _ in
            guard isBaseTag(exchange) else { return .pass }
            return .answer(ServerResponse(200, body: [UInt8](repeating: 0x20, count: 12 << 20)))
        },
        Case("a manifest that is no JSON", .failure(5, "JSON"), hasBase: true) { exchange, _ in
            isBaseTag(exchange) ? .answer(ServerResponse(200, text: "{\"schemaVersion\":2,")) : .pass
        },
        Case("a manifest that nests without end", .failure(5, "read tag 1"), hasBase: true) { exchange, _ in
            guard isBaseTag(exchange) else { return .pass }
            return .answer(ServerResponse(200, body: [UInt8](repeating: 0x5b, count: 1 << 20)))
        },
        Case("a manifest of another kind than announced", .failure(5, "media type"), hasBase: true) { exchange, world in
            guard isBaseTag(exchange) else { return .pass }
            let type = "application/vnd.oci.image.manifest.v1+json"
            return .answer(try world.forward(exchange).setting("Content-Type", type))
        },
        Case("503 for a tag, once", .success, hasBase: true) { exchange, world in
            guard isBaseTag(exchange), world.isFirst("503") else { return .pass }
            return .answer(ServerResponse(503, headers: [("Retry-After", "1")]))
        },
        Case("downloads are redirected to another host", .success, hasBase: true) { exchange, world in
            guard exchange.isBlobRead else { return .pass }
            return .answer(ServerResponse(307, headers: [("Location", world.elsewhere.url + exchange.target)]))
        },
        Case("a redirect that has expired", .success, hasBase: true) { exchange, world in
            guard exchange.isBlobRead else { return .pass }
            let target = world.isFirst("expired") ? "/expired?X-Amz-Signature=of-the-realm" : exchange.target
            return .answer(ServerResponse(307, headers: [("Location", world.elsewhere.url + target)]))
        },
        Case("a pull limit", .failure(5, "pull rate limit"), hasBase: true) { exchange, _ in
            guard isBaseTag(exchange) else { return .pass }
            let headers = [("ratelimit-limit", "100;w=21600"), ("ratelimit-remaining", "0;w=21600")]
            var answer = ServerResponse.failure(429, "TOOMANYREQUESTS", "You have reached your pull rate limit")
            answer.headers += headers.map { (name: $0.0, value: $0.1) }
            return .answer(answer)
        },
    ]
}
