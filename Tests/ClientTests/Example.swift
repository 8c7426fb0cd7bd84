import Foundation
import ImgBuilder

/// Builds a directory for two processors and pushes the image; returns its digest.
func publish(_ directory: String, as name: String) async throws -> String {
    let environment = BuilderEnvironment(
        variables: ProcessInfo.processInfo.environment,
        homeDirectory: NSHomeDirectory(),
        workingDirectory: FileManager.default.currentDirectoryPath
    )
    var request = BuildRequest(context: .directory(directory))
    request.platforms = [try Platform(parsing: "linux/amd64"), try Platform(parsing: "linux/arm64")]
    request.tags = [try ImageReference(parsing: name)]
    request.labels = [ImageLabel(key: "org.opencontainers.image.title", value: "example")]
    request.outputs = [.registry]
    let builder = Builder(environment: environment, events: PrintedEvents())
    do {
        return try await builder.build(request).root.digest.description
    } catch let error {
        for finding in error.diagnostics { print("\(finding.severity): \(finding.message)", finding.hints) }
        throw error
    }
}

/// Prints what is worth a line; called from any thread.
struct PrintedEvents: EventSink {
    func emit(_ event: BuildEvent) {
        switch event {
        case .warning(let diagnostic): print("warning: \(diagnostic.message)")
        case .blob(let blob): print("\(blob.repository): \(blob.digest), \(blob.size) bytes")
        case .tagged(let reference, let digest): print("\(reference) is \(digest)")
        default: break
        }
    }
}
