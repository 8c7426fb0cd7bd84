import ImgReport

/// The layers and blobs that are under way.
struct Progress {
    fileprivate enum Kind: String, CaseIterable {
        case layer, upload, download
    }

    private struct Item {
        var kind: Kind
        var done: Int64
        var total: Int64
        var started: ContinuousClock.Instant
        /// What was there when it started.
        var first: Int64
        var told: ContinuousClock.Instant
    }

    /// Between two lines about one of them.
    private static let interval = Duration.seconds(10)

    private var items: [String: Item] = [:]

    /// Notes an event.
    ///
    /// - Returns: Whether a log should have a line about it.
    mutating func take(_ event: BuildEvent, at now: ContinuousClock.Instant) -> Bool {
        guard let name = event.workName else { return true }
        guard let (kind, done, total) = event.reached else {
            items[name] = nil
            return true
        }
        guard var item = items[name] else {
            items[name] = Item(kind: kind, done: done, total: total, started: now, first: done, told: now)
            return done == 0
        }
        let isDue = now - item.told >= Self.interval
        item.done = done
        if isDue { item.told = now }
        items[name] = item
        return isDue
    }

    /// Everything that is under way; nil when that is nothing.
    func line(at now: ContinuousClock.Instant) -> String? {
        guard let started = items.values.map(\.started).min() else { return nil }
        let done = items.values.reduce(0) { $0 &+ $1.done }
        let total = items.values.reduce(0) { $0 &+ $1.total }
        let moved = items.values.reduce(0) { $0 &+ $1.done &- $1.first }
        let seconds = Double((now - started).components.seconds)
        let counts = Kind.allCases.compactMap { kind -> String? in
            let count = items.values.count { $0.kind == kind }
            return count == 0 ? nil : "\(count) \(kind.rawValue)\(count == 1 ? "" : "s")"
        }
        var line = "\(counts.joined(separator: ", ")): \(ByteCount(done)) of \(ByteCount(total))"
        guard seconds >= 1, moved > 0 else { return line }
        let rate = Double(moved) / seconds
        line += ", \(ByteCount(Int64(rate)))/s"
        if total > done { line += ", \(Int((Double(total - done) / rate).rounded(.up))) s left" }
        return line
    }
}

extension BuildEvent {
    /// Whether it says no more than that something goes on.
    var isUnderWay: Bool { reached != nil }

    /// Bytes so far and in all of what goes on.
    fileprivate var reached: (kind: Progress.Kind, done: Int64, total: Int64)? {
        switch self {
        case .step(let step):
            if case .building(let done, let total) = step.state { return (.layer, done, total) }
        case .blob(let blob):
            switch blob.state {
            case .uploading(let bytes): return (.upload, bytes, blob.size)
            case .downloading(let bytes): return (.download, bytes, blob.size)
            default: break
            }
        default: break
        }
        return nil
    }

    /// What tells one piece of work from another; nil for events that are about none.
    fileprivate var workName: String? {
        switch self {
        case .step(let step): "\(step.title) \(step.platforms)"
        case .blob(let blob): "\(blob.repository) \(blob.digest)"
        default: nil
        }
    }
}
