import Glibc

/// AWS as moto plays it: <https://docs.getmoto.org>.
package struct Moto: Sendable {
    /// The account that moto takes every caller for.
    package static let account = "123456789012"

    package let port: Int

    package var url: String { "http://127.0.0.1:\(port)" }

    /// Runs `body` with a server of its own.
    package static func with<Value: Sendable>(
        _ body: @Sendable @escaping (Moto) async throws -> Value
    ) async throws -> Value {
        let port = try ServerSocket.freePort()
        return try await Server.with(program, ["-H", "127.0.0.1", "-p", String(port)], port: port) {
            try await body(Moto(port: port))
        }
    }

    /// `$IMGBUILD_MOTO_SERVER`, what `scripts/setup test` has installed, or the one on PATH.
    private static var program: String {
        if let path = Project.variable("IMGBUILD_MOTO_SERVER") { return path }
        let installed = Project.root + "/.build-tools/moto/bin/moto_server"
        return unsafe access(installed, X_OK) == 0 ? installed : "moto_server"
    }

    /// The reply of ECR's API in a region, as text.
    package func ecr(_ action: String, _ body: String, region: String) async throws -> String {
        let credential = "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/\(region)/ecr/aws4_request"
        return try await Program.output(
            "curl",
            [
                "--silent", "--noproxy", "*", "-H", "Authorization: \(credential), SignedHeaders=host, Signature=0",
                "-H", "X-Amz-Target: AmazonEC2ContainerRegistry_V20150921.\(action)",
                "-H", "Content-Type: application/x-amz-json-1.1", "--data", body, url + "/",
            ]
        )
    }
}
