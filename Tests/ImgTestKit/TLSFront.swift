/// nginx that ends TLS in front of a registry, as it is set up in many places, and the way to it by name.
package struct TLSFront: Sendable {
    /// `registry.test`: known to the proxy only.
    package let host: String
    /// The proxy that leads `host:443` to nginx.
    package let proxy: Relay

    /// Variables that send a client the way.
    package var environment: [String: String] { ["HTTPS_PROXY": proxy.url, "NO_PROXY": ""] }

    /// How nginx is set up.
    package struct Options: Sendable {
        package var host = "registry.test"
        /// Authority that certificates of clients must come from; nil asks for none.
        package var clientAuthority: String?
        /// `X-Forwarded-Proto`, without which a registry takes itself for one without TLS.
        package var forwardsProtocol = true
        /// Further lines of the server's block.
        package var server = ""
        /// Lines of the block for all paths.
        package var location = ""
        /// Names beside ``host`` that lead to the same nginx.
        package var aliases: [String] = []
        /// Whole blocks beside it.
        package var blocks: @Sendable (_ listen: String) -> String = { _ in "" }

        package init() {}
    }

    /// Runs `body` with nginx in front of a port.
    package static func with<Value: Sendable>(
        in scratch: Scratch,
        to port: Int,
        _ pair: TestAuthority.Pair,
        _ options: Options = Options(),
        _ body: @Sendable @escaping (TLSFront) async throws -> Value
    ) async throws -> Value {
        let listening = try ServerSocket.freePort()
        let listen = """
            listen 127.0.0.1:\(listening) ssl http2;
            ssl_certificate \(pair.certificate);
            ssl_certificate_key \(pair.key);
            """
        let clients = options.clientAuthority.map { "ssl_client_certificate \($0);\nssl_verify_client on;" } ?? ""
        let forwarded = options.forwardsProtocol ? "proxy_set_header X-Forwarded-Proto $scheme;" : ""
        let directories = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map { "\($0)_temp_path \(scratch["nginx-\(listening)-\($0)"]);" }
        let configuration = """
            daemon off;
            master_process off;
            error_log stderr warn;
            pid \(scratch["nginx-\(listening).pid"]);
            events {}
            http {
                access_log off;
                client_max_body_size 0;
                proxy_http_version 1.1;
                proxy_request_buffering off;
                \(directories.joined(separator: "\n"))
                server {
                    \(listen)
                    server_name \(options.host);
                    \(clients)
                    \(options.server)
                    location / {
                        \(options.location)
                        proxy_set_header Host $http_host;
                        \(forwarded)
                        proxy_pass http://127.0.0.1:\(port);
                    }
                }
                \(options.blocks(listen))
            }
            """
        let path = try scratch.write("nginx-\(listening).conf", configuration)
        let names = [options.host] + options.aliases
        let proxy = try Relay(proxying: Dictionary(uniqueKeysWithValues: names.map { ("\($0):443", listening) }))
        return try await Server.with("/usr/sbin/nginx", ["-c", path, "-p", scratch.path], port: listening) {
            defer { proxy.stop() }
            return try await body(TLSFront(host: options.host, proxy: proxy))
        }
    }
}
