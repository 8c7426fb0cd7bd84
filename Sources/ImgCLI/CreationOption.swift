import ArgumentParser
import ImgReport

/// Whether a push makes the repository; shared by all commands that push.
struct CreationOption: ParsableArguments {
    @Flag(name: .customLong("create-repository"), help: "Create a missing repository (Amazon ECR).")
    var createRepository = false

    static let unused = "--create-repository has no effect: nothing is pushed"

    /// Says so where the flag was given to no use.
    func noteUnused(_ events: any EventSink) {
        if createRepository { events.emit(.note(Self.unused)) }
    }
}
