import ImgTestKit

extension HostileRegistryTests {
    /// Rewrites where an upload session is.
    private static func location(
        _ rewrite: @escaping @Sendable (_ path: String, _ exchange: ServerExchange, HostileRegistry.World) -> String
    ) -> HostileRegistry.Fault {
        { exchange, world in
            guard exchange.isUpload else { return .pass }
            let response = try world.forward(exchange)
            guard let found = response["Location"] else { return .answer(response) }
            let afterScheme = found.split(separator: "://", maxSplits: 1).last ?? ""
            let path = afterScheme.firstIndex(of: "/").map { String(afterScheme[$0...]) } ?? found
            return .answer(response.setting("Location", rewrite(path, exchange, world)))
        }
    }

    static let placeFaults: [Case] = [
        Case("Location is a path", .success, location { path, _, _ in path }),
        Case(
            "Location is absolute",
            .success,
            location { path, exchange, _ in "http://\(exchange["Host"] ?? "")\(path)" }
        ),
        Case(
            "Location is relative to the request",
            .success,
            location { path, exchange, _ in
                // Behind `…/blobs/uploads/` for the POST; the replies to others have the full path.
                guard exchange.method == "POST", let range = path.split(separator: "/blobs/uploads/").last else {
                    return path
                }
                return String(range)
            }
        ),
        Case(
            "Location has no scheme",
            .success,
            location { path, exchange, _ in "//\(exchange["Host"] ?? "")\(path)" }
        ),
        Case("Location is at another host", .success, location { path, _, world in "\(world.elsewhere.url)\(path)" }),
        Case("Location has user and password", .failure(5, "user name")) { exchange, world in
            guard exchange.method == "POST" else { return .pass }
            return .answer(
                ServerResponse(202, headers: [("Location", "http://a:hunter2-S3cret@\(world.elsewhere.authority)/up")])
            )
        },
        Case("Location is a file", .failure(5, "invalid Location")) { exchange, _ in
            guard exchange.method == "POST" else { return .pass }
            return .answer(ServerResponse(202, headers: [("Location", "file:///etc/passwd")]))
        },
        Case("no Location", .failure(5, "without saying where")) { exchange, _ in
            exchange.method == "POST" ? .answer(ServerResponse(202)) : .pass
        },
        Case("uploads are redirected to another host", .success) { exchange, world in
            guard exchange.isLargeUpload else { return .pass }
            return .answer(ServerResponse(307, headers: [("Location", world.elsewhere.url + exchange.target)]))
        },
        Case("manifests are redirected to another host", .success) { exchange, world in
            guard exchange.isManifest, exchange.method == "PUT" else { return .pass }
            return .answer(ServerResponse(307, headers: [("Location", world.elsewhere.url + exchange.target)]))
        },
        Case("redirects without end", .failure(5, "redirects without end")) { exchange, _ in
            guard exchange.isManifest, exchange.method == "PUT" else { return .pass }
            return .answer(ServerResponse(307, headers: [("Location", exchange.target)]))
        },
        Case("a web page for everything", .failure(5, "")) { exchange, _ in
            .answer(ServerResponse(200, headers: [("Content-Type", "text/html")], text: "<html>Sign in</html>"))
        },
    ]

    static let manifestFaults: [Case] = [
        Case("blobs are seen late", .success) { exchange, world in
            guard exchange.isManifestByDigest, exchange.method == "PUT", world.tick("late") <= 2 else { return .pass }
            return .answer(.failure(400, "MANIFEST_BLOB_UNKNOWN"))
        },
        Case("blobs are never seen", .failure(4, "push manifest sha256:")) { exchange, _ in
            guard exchange.isManifestByDigest, exchange.method == "PUT" else { return .pass }
            return .answer(.failure(404, "MANIFEST_BLOB_UNKNOWN"))
        },
        Case("502 for a manifest, once", .success) { exchange, world in
            guard exchange.isManifestByDigest, exchange.method == "PUT", world.isFirst("502") else { return .pass }
            return .answer(ServerResponse(502))
        },
        Case("500 after a tag was put", .success) { exchange, world in
            guard exchange.isManifest, !exchange.isManifestByDigest, exchange.method == "PUT" else { return .pass }
            guard world.isFirst("tag") else { return .answer(.failure(400, "TOO_OFTEN", "put again")) }
            _ = try world.forward(exchange)
            return .answer(ServerResponse(500))
        },
        Case("reset after a tag was put", .success) { exchange, world in
            guard exchange.isManifest, !exchange.isManifestByDigest, exchange.method == "PUT" else { return .pass }
            guard world.isFirst("tag") else { return .answer(.failure(400, "TOO_OFTEN", "put again")) }
            _ = try world.forward(exchange)
            exchange.reset()
            return .done
        },
        Case("503 for every tag", .failure(5, "503")) { exchange, _ in
            guard exchange.isManifest, !exchange.isManifestByDigest, exchange.method == "PUT" else { return .pass }
            return .answer(ServerResponse(503))
        },
        Case("403 for the tag", .failure(3, "denied")) { exchange, _ in
            guard exchange.isManifest, !exchange.isManifestByDigest, exchange.method == "PUT" else { return .pass }
            return .answer(.failure(403, "DENIED"))
        },
        Case("a manifest is stored under another digest", .failure(5, "another manifest")) { exchange, world in
            guard exchange.isManifestByDigest, exchange.method == "PUT" else { return .pass }
            let other = "sha256:" + String(repeating: "b", count: 64)
            return .answer(try world.forward(exchange).setting("Docker-Content-Digest", other))
        },
        Case("a manifest is not given back", .failure(6, "does not give manifest")) { exchange, _ in
            guard exchange.isManifestByDigest, exchange.method != "PUT" else { return .pass }
            return .answer(.failure(404, "MANIFEST_UNKNOWN"))
        },
        Case("an index is given back changed", .failure(6, "does not give manifest")) { exchange, world in
            guard exchange.isManifestByDigest, exchange.method == "GET" else { return .pass }
            var answer = try world.forward(exchange)
            guard String(decoding: answer.body, as: UTF8.self).contains("\"manifests\"") else { return .answer(answer) }
            answer.body[answer.body.count - 1] = 0x20
            return .answer(answer)
        },
        Case("an answer with escapes and the secrets that it got", .failure(6, "says")) { exchange, _ in
            guard exchange.isManifestByDigest, exchange.method == "PUT" else { return .pass }
            let told = "\\u001b[31m bad \(exchange["Authorization"] ?? "") for robot:hunter2-S3cret"
            return .answer(.failure(400, "MANIFEST_INVALID", told))
        },
        Case("an answer that is no JSON and has no end", .failure(6, "400")) { exchange, _ in
            guard exchange.isManifestByDigest, exchange.method == "PUT" else { return .pass }
            return .answer(ServerResponse(400, body: [UInt8](repeating: 0x5b, count: 5 << 20)))
        },
    ]
}
