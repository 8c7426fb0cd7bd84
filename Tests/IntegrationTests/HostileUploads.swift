import ImgTestKit

extension HostileRegistryTests {
    static let uploadFaults: [Case] = [
        Case("reset in an upload, once", .success) { exchange, world in
            guard exchange.isLargeUpload, world.isFirst("cut") else { return .pass }
            _ = try exchange.readBody(upTo: 64 << 10)
            exchange.reset()
            return .done
        },
        Case("reset in every upload", .failure(5, "push blob sha256:")) { exchange, _ in
            guard exchange.isLargeUpload else { return .pass }
            for _ in 0..<4 { _ = try exchange.readBody(upTo: 64 << 10) }
            exchange.reset()
            return .done
        },
        Case("an upload that the registry gets half of", .success) { exchange, world in
            guard exchange.isLargeUpload, world.isFirst("half") else { return .pass }
            _ = try world.upstream.forward(exchange, without: ["Authorization"]) { passed in
                if passed > 700_000 { throw TestFailure("half") }
            }
            return .done
        },
        Case("the answer to a finished upload is lost", .success) { exchange, world in
            guard exchange.isLargeUpload, world.isFirst("lost") else { return .pass }
            _ = try world.forward(exchange)
            exchange.reset()
            return .done
        },
        Case("500 after a finished upload", .success) { exchange, world in
            guard exchange.isLargeUpload else { return .pass }
            guard world.isFirst("500") else { return .answer(.failure(400, "TOO_OFTEN", "sent again")) }
            _ = try world.forward(exchange)
            return .answer(ServerResponse(500))
        },
        Case("502 for every upload", .failure(5, "502")) { exchange, _ in
            exchange.isLargeUpload ? .answer(ServerResponse(502)) : .pass
        },
        Case("the token runs out in an upload", .success, asking: .token) { exchange, world in
            guard exchange.isLargeUpload, world.isFirst("expired") else { return .pass }
            try exchange.discardBody()
            return .answer(HostileRegistry.Asking.challenge(exchange))
        },
        Case("401 for every upload", .failure(3, "authentication is required"), asking: .token) { exchange, _ in
            exchange.isLargeUpload ? .answer(HostileRegistry.Asking.challenge(exchange)) : .pass
        },
        Case("401 without a challenge in an upload", .failure(3, "rejected the credentials of robot")) { exchange, _ in
            exchange.isLargeUpload ? .answer(.failure(401, "UNAUTHORIZED")) : .pass
        },
        Case("403 on mount", .success, hasBase: true) { exchange, _ in
            exchange.target.contains("mount=") ? .answer(.failure(403, "DENIED")) : .pass
        },
        Case("202 on mount", .success, hasBase: true) { exchange, world in
            guard exchange.target.contains("mount=") else { return .pass }
            return .answer(try world.forward(exchange, as: exchange.path))
        },
        Case("500 on mount", .success, hasBase: true) { exchange, _ in
            exchange.target.contains("mount=") ? .answer(ServerResponse(500)) : .pass
        },
        Case("416 in an upload", .success) { exchange, world in
            guard exchange.isLargeUpload, world.isFirst("416") else { return .pass }
            return .answer(ServerResponse(416, headers: [("Range", "0-99")]))
        },
        Case("429 with Retry-After", .success) { exchange, world in
            guard exchange.method == "POST", world.isFirst("429") else { return .pass }
            return .answer(ServerResponse(429, headers: [("Retry-After", "1")]))
        },
        Case("429 with an endless Retry-After", .failure(5, "asks to wait 86400 s")) { exchange, _ in
            guard exchange.method == "POST" else { return .pass }
            return .answer(ServerResponse(429, headers: [("Retry-After", "86400")]))
        },
        Case("429 without Retry-After", .success) { exchange, world in
            exchange.method == "HEAD" && world.isFirst("429") ? .answer(ServerResponse(429)) : .pass
        },
        Case("503 for every session", .failure(5, "503")) { exchange, _ in
            exchange.method == "POST" ? .answer(ServerResponse(503)) : .pass
        },
        Case("a stall in an upload", .success) { exchange, world in
            guard exchange.isLargeUpload else { return .pass }
            let isFirst = world.isFirst("stall")
            return .answer(
                try world.upstream.forward(exchange, without: ["Authorization"]) { passed in
                    if isFirst, passed > 700_000, world.tick("wait") < 4 { pause(seconds: 1) }
                }
            )
        },
        Case("an answer that takes long", .success) { exchange, world in
            guard exchange.isLargeUpload, world.isFirst("slow") else { return .pass }
            let response = try world.forward(exchange)
            for _ in 0..<3 { pause(seconds: 1) }
            return .answer(response)
        },
        Case("the session is lost, once", .success) { exchange, world in
            guard exchange.isLargeUpload, world.isFirst("lost") else { return .pass }
            return .answer(.failure(404, "BLOB_UPLOAD_UNKNOWN"))
        },
        Case("the session is always lost", .failure(6, "lost the upload")) { exchange, _ in
            exchange.isLargeUpload ? .answer(.failure(404, "BLOB_UPLOAD_UNKNOWN")) : .pass
        },
        Case("413", .failure(6, "too large")) { exchange, _ in
            guard exchange.isLargeUpload else { return .pass }
            return .answer(ServerResponse(413, headers: [("Server", "nginx")], text: "<html>413</html>"))
        },
        Case("507, the storage is full", .failure(6, "full")) { exchange, _ in
            exchange.isLargeUpload ? .answer(ServerResponse(507)) : .pass
        },
        Case("stored under another digest", .failure(5, "stored it as")) { exchange, world in
            guard exchange.isLargeUpload else { return .pass }
            let other = "sha256:" + String(repeating: "a", count: 64)
            return .answer(try world.forward(exchange).setting("Docker-Content-Digest", other))
        },
        Case("202 for an upload that is not stored", .failure(6, "push blob sha256:")) { exchange, _ in
            exchange.isLargeUpload ? .answer(ServerResponse(202)) : .pass
        },
    ]
}
