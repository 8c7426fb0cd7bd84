package import ImgReport
import Synchronization

/// Keeps what is reported.
package final class RecordedEvents: EventSink {
    private let events = Mutex<[BuildEvent]>([])

    package init() {}

    package func emit(_ event: BuildEvent) { events.withLock { $0.append(event) } }

    package var all: [BuildEvent] { events.withLock { $0 } }

    package var warnings: [Diagnostic] {
        all.compactMap { if case .warning(let diagnostic) = $0 { diagnostic } else { nil } }
    }

    package var notes: [String] { all.compactMap { if case .note(let text) = $0 { text } else { nil } } }

    /// Warnings, notes and debug lines as text.
    package var lines: [String] {
        all.compactMap { event in
            switch event {
            case .note(let text), .debug(let text): text
            case .warning(let diagnostic):
                ([diagnostic.message] + diagnostic.notes + diagnostic.hints).joined(separator: "\n")
            default: nil
            }
        }
    }

    /// Everything that was said, in one text.
    package var transcript: String { all.map { "\($0)" }.joined(separator: "\n") }
}
