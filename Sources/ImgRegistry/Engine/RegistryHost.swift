import ImgTasks
import Synchronization

/// What a run has learned about one registry, shared by its repositories.
final class RegistryHost: Sendable {
    /// As users write it: `docker.io`.
    let name: String
    /// Where its API is.
    let apiHost: String
    let quirks: RegistryQuirks
    let governor: HostGovernor
    /// Manifest PUTs in flight (PUSH-33).
    let manifestPuts = Limiter(limit: 4)

    private struct State {
        var modes: [String: ConnectionMode] = [:]
        var method: UploadMethod?
        var refusesEarlyUploads = false
        var refusedMounts = 0
        var refusedHeads = 0
        var unmountable: Set<String> = []
        var readEndpoint: Endpoint?
        var damaged: Set<Endpoint> = []
        var hasReferrersAPI: Bool?
        var nextManifestPut: ContinuousClock.Instant?
    }

    private let state = Mutex(State())

    init(name: String, apiHost: String, options: RegistryOptions) {
        self.name = name
        self.apiHost = apiHost
        quirks = RegistryQuirks.of(host: name)
        governor = HostGovernor(transfers: options.transfersPerHost, requests: options.requestsPerHost)
    }

    /// The connection mode that worked before.
    func mode(for authority: String) -> ConnectionMode? { state.withLock { $0.modes[authority] } }

    func remember(_ mode: ConnectionMode, for authority: String) {
        state.withLock { $0.modes[authority] = mode }
    }

    /// The upload methods to try, the one that worked first (PUSH-25).
    var uploadMethods: [UploadMethod] {
        guard let known = state.withLock({ $0.method }), let place = quirks.methods.firstIndex(of: known) else {
            return quirks.methods
        }
        return Array(quirks.methods[place...])
    }

    func remember(_ method: UploadMethod) { state.withLock { $0.method = method } }

    /// Whether a layer is sent in parts while it is made: one refusal is enough.
    var takesEarlyUploads: Bool { quirks.takesEarlyUploads && state.withLock { !$0.refusesEarlyUploads } }

    func refuseEarlyUploads() { state.withLock { $0.refusesEarlyUploads = true } }

    /// Whether asking for a mount from a repository still makes sense (PUSH-13).
    func canMount(from path: String) -> Bool {
        quirks.mounts && state.withLock { $0.refusedMounts < 3 && !$0.unmountable.contains(path) }
    }

    /// A mount that wasn't fulfilled; with `forGood` the source is not asked for again.
    func noteRefusedMount(from path: String, forGood: Bool) {
        state.withLock {
            $0.refusedMounts += 1
            if forGood { $0.unmountable.insert(path) }
        }
    }

    func noteMount() { state.withLock { $0.refusedMounts = 0 } }

    /// Whether HEADs on blobs are answered at all (PUSH-6).
    var answersBlobHeads: Bool { state.withLock { $0.refusedHeads < 2 } }

    func noteRefusedHead() { state.withLock { $0.refusedHeads += 1 } }

    /// The endpoint that resolved a tag, preferred for what follows (MIR-8).
    var readEndpoint: Endpoint? {
        get { state.withLock { $0.readEndpoint } }
        set { state.withLock { $0.readEndpoint = newValue } }
    }

    /// Whether an endpoint has given content that is not what it should be.
    func isDamaged(_ endpoint: Endpoint) -> Bool { state.withLock { $0.damaged.contains(endpoint) } }

    func noteDamage(at endpoint: Endpoint) { state.withLock { _ = $0.damaged.insert(endpoint) } }

    var hasReferrersAPI: Bool? {
        get { state.withLock { $0.hasReferrersAPI } }
        set { state.withLock { $0.hasReferrersAPI = newValue } }
    }

    /// Books the time of the next manifest PUT and returns how long to wait for it (PUSH-33).
    func manifestDelay() -> Duration {
        guard quirks.manifestInterval > .zero else { return .zero }
        let now = ContinuousClock.now
        return state.withLock {
            let turn = max($0.nextManifestPut ?? now, now)
            $0.nextManifestPut = turn + quirks.manifestInterval
            return turn - now
        }
    }
}
