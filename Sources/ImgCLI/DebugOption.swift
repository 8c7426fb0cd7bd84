import ArgumentParser
import ImgBuilder
import ImgReport

/// `-D` of commands whose result is on standard output.
struct DebugOption: ParsableArguments {
    @Flag(
        name: [.customShort("D"), .customLong("debug")],
        help: "Say everything, requests included; secrets are masked."
    )
    var debug = false

    /// Shows warnings and notes such as that of a retry (RETRY-7), and requests when asked to.
    var events: any EventSink {
        PlainRenderer(console: .standardError, showsProgress: false, showsNotes: true, showsDebug: debug)
    }
}

/// For commands whose result is on standard output: only warnings are worth a line.
struct WarningsOnly: EventSink {
    func emit(_ event: BuildEvent) {
        if case .warning(let diagnostic) = event { Console.standardError.print(ErrorText(diagnostic).lines) }
    }
}
