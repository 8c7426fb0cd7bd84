import ImgPlan
import ImgReport

/// Instructions as the planner hands them over: nothing to expand, WORKDIR and USER followed.
struct StepScript {
    private let file: SourceFile
    private var number = 0
    private var directory = "/"
    private var user = ""

    init(_ instructions: [String]) {
        file = SourceFile(name: "Dockerfile", bytes: Array(instructions.joined(separator: "\n").utf8))
    }

    private mutating func line() -> String? {
        guard number < file.lineCount else { return nil }
        number += 1
        return file.text(ofLine: number)
    }

    mutating func next() throws -> Step? {
        guard let text = line() else { return nil }
        let range = SourceRange(file: file, lines: number...number)
        var words = text.split(separator: " ").map(String.init)
        let action: Step.Action
        switch words.removeFirst() {
        case "USER":
            user = words[0]
            action = .metadata
        case "WORKDIR":
            directory = words[0].hasPrefix("/") ? words[0] : "\(directory)/\(words[0])"
            action = .workdir(WorkdirStep(path: directory, user: user))
        case let keyword:
            action = .copy(try copy(keyword == "ADD" ? .add : .copy, words))
        }
        return Step(range: range, action: action, createdBy: "")
    }

    private mutating func copy(_ verb: CopyStep.Verb, _ all: [String]) throws -> CopyStep {
        var words = all
        var step = CopyStep(verb: verb, sources: [], from: .context, destination: "")
        while let flag = words.first, flag.hasPrefix("--") {
            words.removeFirst()
            let parts = flag.dropFirst(2).split(separator: "=", maxSplits: 1).map(String.init)
            switch parts[0] {
            case "chown": step.owner = ChownSpec(parsing: parts[1])
            case "chmod": step.chmod = try ChmodSpec(parsing: parts[1])
            case "link": step.link = true
            case "parents": step.parents = true
            case "exclude": step.excludes.append(parts[1])
            case "unpack": step.unpack = parts.count == 1 || parts[1] == "true"
            case "from": step.from = .stage(0)
            default: throw BuildError("unknown flag \(flag)")
            }
        }
        if step.chmod != nil { step.link = false }
        let destination = words.removeLast()
        step.destination = destination.hasPrefix("/") ? destination : "\(directory)/\(destination)"
        for word in words {
            if word.hasPrefix("<<") {
                step.heredocs.append(heredoc(String(word.dropFirst(2))))
            } else {
                step.sources.append(word.hasPrefix("http") ? .url(word) : .path(word))
            }
        }
        return step
    }

    private mutating func heredoc(_ name: String) -> CopyStep.HeredocFile {
        var body = ""
        while let text = line(), text != name { body += text + "\n" }
        return CopyStep.HeredocFile(name: name, bytes: Array(body.utf8))
    }
}
