import ImgBuilder
import ImgOCI
import ImgReport
import Synchronization

/// Shows events while they happen and a summary at the end.
protocol Renderer: EventSink {
    func finish(_ result: BuildResult)
}

/// One line per event: what a log of CI wants.
///
/// What takes long is said to be under way every ten seconds, or shown on the last line of a terminal.
final class PlainRenderer: Renderer {
    private let console: Console
    private let showsProgress: Bool
    private let showsNotes: Bool
    private let showsDebug: Bool
    private let isLive: Bool
    private let now: @Sendable () -> ContinuousClock.Instant
    private let progress = Mutex(Progress())
    private let shown = Mutex(Shown())

    private struct Shown {
        var warnings: Set<Diagnostic> = []
        /// The warning that the output ends with.
        var last: Diagnostic?
    }

    /// - Parameters:
    ///   - showsNotes: Whether notes are shown where progress is not.
    ///   - isLive: Whether the console is a terminal whose last line can be written anew.
    init(
        console: Console,
        showsProgress: Bool,
        showsNotes: Bool = false,
        showsDebug: Bool,
        isLive: Bool = false,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }
    ) {
        self.console = console
        self.showsProgress = showsProgress
        self.showsNotes = showsNotes
        self.showsDebug = showsDebug
        self.isLive = isLive
        self.now = now
    }

    func emit(_ event: BuildEvent) {
        switch event {
        case .warning(let diagnostic):
            shown.withLock { shown in
                guard shown.warnings.insert(diagnostic).inserted else { return }
                console.print(ErrorText(diagnostic, after: shown.last).lines)
                shown.last = diagnostic
            }
        case .debug(let text): if showsDebug { say("debug: \(text)") }
        case .note(let text) where showsNotes && !showsProgress: say(text)
        default:
            guard showsProgress else { return }
            progress.withLock { progress in
                let isDue = progress.take(event, at: now())
                if isLive {
                    if !event.isUnderWay { say(Self.line(event)) }
                    console.show(progress.line(at: now()))
                } else if isDue {
                    say(Self.line(event))
                }
            }
        }
    }

    private func say(_ line: String) {
        shown.withLock { shown in
            console.print([line])
            shown.last = nil
        }
    }

    private static func line(_ event: BuildEvent) -> String {
        switch event {
        case .note(let text): return text
        case .step(let step):
            let platforms = step.platforms.map(\.description).joined(separator: ",")
            let place = platforms.isEmpty ? "" : "[\(platforms)] "
            switch step.state {
            case .building(let done, let total):
                return "\(place)\(step.title): \(ByteCount(done)) of \(ByteCount(total))"
            case .cached: return "\(place)\(step.title): cached"
            case .built(let size): return "\(place)\(step.title): \(ByteCount(size))"
            }
        case .blob(let blob):
            let name = "\(blob.repository) \(blob.digest.short) \(ByteCount(blob.size))"
            switch blob.state {
            case .exists: return "\(name): exists"
            case .mounted(let source): return "\(name): mounted from \(source)"
            case .uploading(0): return "\(name): uploading"
            case .uploading(let sent): return "\(name): \(ByteCount(sent)) uploaded"
            case .pushed: return "\(name): pushed"
            case .downloading(0): return "\(name): downloading"
            case .downloading(let received): return "\(name): \(ByteCount(received)) downloaded"
            case .downloaded: return "\(name): downloaded"
            case .retrying(let attempt, let reason): return "\(name): attempt \(attempt) after \(reason)"
            }
        case .manifest(let repository, let digest, let platform):
            return "\(repository) \(platform.map { "[\($0)] " } ?? "")manifest \(digest)"
        case .tagged(let reference, let digest): return "pushed \(reference)@\(digest)"
        case .warning(let diagnostic): return diagnostic.message
        case .debug(let text): return text
        }
    }

    func finish(_ result: BuildResult) {
        console.show(nil)
        guard showsProgress else { return }
        var lines: [String] = []
        for image in result.images {
            let own = image.layers.count - image.baseLayerCount
            let checks = Verdict(image).rawValue
            lines.append(
                "\(image.platform) \(image.manifest.digest) (\(image.baseLayerCount) base layers + \(own) new), checks: \(checks)"
            )
        }
        lines.append("\(result.root.mediaType.isIndex ? "index" : "manifest") \(result.root.digest)")
        for reference in result.pushed { lines.append("\(reference)") }
        console.print(lines)
    }
}

/// One JSON object per line for programs (`--progress=rawjson`).
final class JSONRenderer: Renderer {
    private let console: Console
    private let showsDebug: Bool

    init(console: Console, showsDebug: Bool = false) {
        self.console = console
        self.showsDebug = showsDebug
    }

    func emit(_ event: BuildEvent) {
        var object = JSONObject()
        switch event {
        case .note(let text):
            object["event"] = .string("note")
            object["message"] = .string(text)
        case .debug(let text):
            guard showsDebug else { return }
            object["event"] = .string("debug")
            object["message"] = .string(text)
        case .warning(let diagnostic):
            object["event"] = .string("warning")
            object["warning"] = diagnostic.json
        case .step(let step):
            object["event"] = .string("step")
            object["title"] = .string(step.title)
            object["platforms"] = .strings(step.platforms.map(\.description))
            switch step.state {
            case .building(let done, let total):
                object["state"] = .string("building")
                object["done"] = .integer(done)
                object["total"] = .integer(total)
            case .cached: object["state"] = .string("cached")
            case .built(let size):
                object["state"] = .string("built")
                object["size"] = .integer(size)
            }
        case .blob(let blob):
            object["event"] = .string("blob")
            object["repository"] = .string(blob.repository)
            object["digest"] = .string(blob.digest.description)
            object["size"] = .integer(blob.size)
            switch blob.state {
            case .exists: object["state"] = .string("exists")
            case .mounted(let source):
                object["state"] = .string("mounted")
                object["from"] = .string(source)
            case .uploading(let sent):
                object["state"] = .string("uploading")
                object["sent"] = .integer(sent)
            case .pushed: object["state"] = .string("pushed")
            case .downloading(let received):
                object["state"] = .string("downloading")
                object["received"] = .integer(received)
            case .downloaded: object["state"] = .string("downloaded")
            case .retrying(let attempt, let reason):
                object["state"] = .string("retrying")
                object["attempt"] = .integer(Int64(attempt))
                object["reason"] = .string(reason)
            }
        case .manifest(let repository, let digest, let platform):
            object["event"] = .string("manifest")
            object["repository"] = .string(repository)
            object["digest"] = .string(digest.description)
            object["platform"] = platform.map { .string($0.description) }
        case .tagged(let reference, let digest):
            object["event"] = .string("tagged")
            object["reference"] = .string(reference)
            object["digest"] = .string(digest.description)
        }
        console.print([JSON.object(object).text()])
    }

    func finish(_ result: BuildResult) {
        console.print([
            JSON.object(JSONObject([("event", .string("result")), ("metadata", Metadata(result).json)])).text()
        ])
    }

    /// The last line of a command that failed.
    static func line(_ error: BuildError) -> String {
        JSON.object(
            JSONObject([
                ("event", .string("error")), ("status", .integer(Int64(error.code.rawValue))),
                ("errors", .array(error.diagnostics.map(\.json))),
            ])
        )
        .text()
    }
}

/// A number of bytes for people, in powers of 1000 as registries show it.
struct ByteCount: CustomStringConvertible {
    let description: String

    init(_ count: Int64) {
        let units = ["B", "kB", "MB", "GB", "TB"]
        // Ten times a sum of what foreign manifests say may be too much.
        var (tenths, unit) = count < 1000 ? (count * 10, 0) : ((count / 50 + 1) / 2, 1)
        while tenths >= 10_000, unit < units.count - 1 {
            tenths = (tenths + 500) / 1000
            unit += 1
        }
        let isSmall = unit > 0 && tenths < 1000
        description = isSmall ? "\(tenths / 10).\(tenths % 10) \(units[unit])" : "\(tenths / 10) \(units[unit])"
    }
}
