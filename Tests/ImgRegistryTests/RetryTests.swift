import ImgCredentials
import ImgOCI
import ImgRegistry
import ImgReport
import ImgTasks
import ImgTestKit
import Synchronization
import Testing

/// Registries that ask for patience (TEST-5).
@Suite(.timeLimit(.minutes(1))) struct RetryTests {
    @Test func waitsAsLongAsAsked() async throws {
        let registry = try FakeRegistry { _, content in
            content.tick("get") == 1 ? .response(ServerResponse(429, headers: [("Retry-After", "7")])) : .standard
        }
        let test = TestClient()
        #expect(try await test.pull(registry.host).tags() == [])
        #expect(test.waits.all.first == .seconds(7))
    }

    @Test func waitsUntilADate() async throws {
        let registry = try FakeRegistry { _, content in
            let headers = [("Date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("Retry-After", "Sun, 06 Nov 1994 08:49:57 GMT")]
            return content.tick("get") == 1 ? .response(ServerResponse(503, headers: headers)) : .standard
        }
        let test = TestClient()
        #expect(try await test.pull(registry.host).tags() == [])
        #expect(test.waits.all == [.seconds(20)])
    }

    @Test func backsOffWithoutAHint() async throws {
        let registry = try FakeRegistry { _, _ in .response(ServerResponse(503)) }
        let test = TestClient()
        let error = try await failure { _ = try await test.pull(registry.host).tags() }
        #expect(error.code == .unavailable)
        #expect(error.attempts == 5)
        #expect(registry.requests.count == 5)
        let bounds: [ClosedRange<Double>] = [0.5...1, 1...2, 2...4, 4...8]
        #expect(test.waits.all.count == bounds.count)
        for (wait, bound) in zip(test.waits.all, bounds) { #expect(bound.contains(wait / .seconds(1))) }
        #expect(test.events.lines.count { $0.hasPrefix("retrying") } == 4)
    }

    /// A download has attempts for what broke off, not for what never began: that has attempts of its own.
    @Test func aBlobThatNeverComesIsAskedForFiveTimes() async throws {
        let registry = try FakeRegistry { exchange, _ in
            guard exchange.target.contains("/blobs/") else { return .standard }
            exchange.close()
            return .done
        }
        let error = try await failure {
            _ = try await TestClient().pull(registry.host).blob(Sample.blob(100).descriptor, limit: 1 << 20)
        }
        #expect(error.code == .network)
        #expect(registry.count("GET", containing: "/blobs/") == 5)
    }

    @Test func triesThrottlingHostsLonger() async throws {
        let registry = try FakeRegistry { _, _ in .response(ServerResponse(429)) }
        let error = try await failure { _ = try await TestClient().pull(registry.host).tags() }
        #expect(registry.requests.count == 8)
        #expect(error.buildError.diagnostics[0].hints.contains { $0.contains("--registry-concurrency") })
    }

    @Test func doesNotWaitForAnHour() async throws {
        let registry = try FakeRegistry { _, _ in .response(ServerResponse(429, headers: [("Retry-After", "3600")])) }
        let error = try await failure { _ = try await TestClient().pull(registry.host).tags() }
        #expect(registry.requests.count == 1)
        #expect(error.notes == ["the registry asks to wait 3600 s"])
    }

    @Test func pullLimitsAreFinal() async throws {
        let registry = try FakeRegistry { _, _ in
            let headers = [
                ("ratelimit-limit", "100;w=21600"), ("ratelimit-remaining", "0;w=21600"),
                ("docker-ratelimit-source", "192.0.2.1"),
            ]
            return .response(
                answer(
                    429,
                    "TOOMANYREQUESTS",
                    "You have reached your unauthenticated pull rate limit.",
                    headers: headers
                )
            )
        }
        let error = try await failure { _ = try await TestClient().pull(registry.host).resolve(.tag("v1")) }
        #expect(error.code == .rateLimited)
        #expect(registry.requests.count == 1)
        #expect(error.notes.contains("ratelimit-limit: 100;w=21600"))
    }

    @Test func warnsBeforeThePullLimit() async throws {
        let registry = try FakeRegistry { _, _ in
            .response(
                ServerResponse(
                    200,
                    headers: [("ratelimit-remaining", "3;w=21600"), ("Warning", "299 - \"going away\"")],
                    text: "{}"
                )
            )
        }
        let test = TestClient()
        for _ in 0..<2 { _ = try await test.pull(registry.host).tags() }
        #expect(test.events.warnings.count { $0.message.hasPrefix("3 pulls are left") } == 1)
        #expect(test.events.warnings.count { $0.message.contains("going away") } == 1)
    }

    /// A resolver that is not up yet, as in a container that has just started (RETRY-2).
    @Test func asksTwiceForANameThatDoesNotResolve() async throws {
        let error = try await failure { _ = try await TestClient().pull("no-such-host.invalid").tags() }
        #expect(error.code == .network)
        #expect(error.attempts == 2)
    }

    @Test func reportsWhereNothingListens() async throws {
        let port = try ServerSocket.freePort()
        let error = try await failure { _ = try await TestClient().pull("127.0.0.1:\(port)").tags() }
        #expect(error.code == .network)
        #expect(error.reason.hasPrefix("cannot connect to 127.0.0.1:\(port)"))
        #expect(error.attempts == 3)
        #expect(error.buildError.code == .network)
    }

    @Test func knowsAWebServer() async throws {
        let registry = try FakeRegistry { _, _ in
            .response(ServerResponse(404, headers: [("Content-Type", "text/html")], text: "<html><title>Oops</title>"))
        }
        let error = try await failure { _ = try await TestClient().pull(registry.host).tags() }
        #expect(error.reason.contains("does not look like a container registry"))
        #expect(error.buildError.diagnostics[0].notes.contains("the server says: \"Oops\""))
    }

    @Test func refusesDeepNamesOnDockerHub() async throws {
        let error = try await failure {
            _ = try await TestClient().push("docker.io", "a/b/c").upload(Sample.blob(1).descriptor, body: .bytes([]))
        }
        #expect(error.code == .refused)
        #expect(error.buildError.code == .refused)
    }
}
