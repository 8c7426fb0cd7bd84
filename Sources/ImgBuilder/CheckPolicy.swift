import ImgDockerfile

/// How strict the static checks of a build are: the command line, else the Dockerfile's comments, else the default.
struct CheckPolicy: Sendable {
    let platformCheck: CheckLevel
    let startCheck: CheckLevel
    /// Globs of image paths that may be for another processor.
    private let exceptions: [[UInt8]]

    init(request: BuildRequest, directives: CheckDirectives) {
        platformCheck = request.platformCheck ?? directives.platformCheck ?? .error
        startCheck = request.startCheck ?? directives.startCheck ?? .warn
        exceptions = (request.platformCheckExceptions + directives.allowed)
            .map { Array(($0.hasPrefix("/") ? $0.dropFirst() : $0[...]).utf8) }
    }

    var isAnyOn: Bool { platformCheck != .off || startCheck != .off }

    /// Whether the user has said that a file may be for another processor.
    func isExcepted(_ path: [UInt8]) -> Bool {
        exceptions.contains { (try? PathMatch.match(pattern: $0, name: path)) == true }
    }
}
