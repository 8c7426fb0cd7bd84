import ImgOCI
import ImgTestKit

/// A Dockerfile with its context, from a seed, and what is known of its result.
struct RandomBuild: Sendable {
    /// Stands for the architecture where the result has it.
    static let architecture = "@ARCH@"

    let seed: Int
    private(set) var context: RandomContext
    private(set) var dockerfile = ""
    private(set) var arguments: [String]
    let platforms: [String]
    /// The stage that is built.
    private(set) var result: RandomStage

    init(seed: Int) {
        self.seed = seed
        var dice = Dice(seed: seed)
        context = RandomContext(&dice)
        platforms = dice.once(in: 3) ? ["amd64", "arm64"] : [dice.pick(["amd64", "arm64"])]
        var writer = DockerfileWriter(context: context, dice: dice)
        writer.writeStages()
        result = writer.stages[writer.target]
        dockerfile = writer.text
        arguments = [
            "--platform", platforms.map { "linux/" + $0 }.joined(separator: ","), "--platform-check=off",
            "--start-check=off",
        ]
        arguments += writer.arguments
    }

    /// For the message of a failure.
    var description: String {
        let paths = context.tree.keys.sorted(by: ModelPath.precedes)
            .map { path in
                let object = context.tree[path]
                return "\(object?.kind.rawValue ?? " ") \(TarListing.quoted(path)) \(object?.target ?? "")"
            }
        return """
            seed \(seed): IMGBUILD_RANDOM_SEED=\(seed) repeats it
            \(arguments.joined(separator: " "))
            --- Dockerfile
            \(dockerfile)--- .dockerignore
            \(context.ignored.joined(separator: "\n"))
            --- context
            \(paths.joined(separator: "\n"))
            """
    }
}

/// Writes the stages of a Dockerfile and keeps track of what they make.
struct DockerfileWriter {
    let context: RandomContext
    var dice: Dice
    let spelling: Spelling
    private(set) var lines: [String] = []
    private(set) var stages: [RandomStage] = []
    private(set) var arguments: [String] = []
    private(set) var target = 0
    /// The stage that is being written.
    var stage = RandomStage(name: "", hasBase: false)
    private var serial = 0
    private var layerCount = 0

    init(context: RandomContext, dice: Dice) {
        self.context = context
        self.dice = dice
        spelling = Spelling(escape: self.dice.once(in: 6) ? "`" : "\\")
    }

    var text: String { lines.map { $0 + "\n" }.joined() }

    mutating func writeStages() {
        if spelling.escape != "\\" { lines.append("# escape=\(spelling.escape)") }
        if dice.once(in: 3) { lines.append("# a comment") }
        if dice.once(in: 3) { lines.append("ARG BASE=base") }
        let hasArgument = lines.last == "ARG BASE=base"
        let count = dice.number(1...4)
        for number in 0..<count {
            begin(stage: number, hasArgument: hasArgument)
            for _ in 0..<dice.number(number == count - 1 ? 2...9 : 1...6) { writeInstruction() }
            stages.append(stage)
        }
        target = stages.count - 1
        if dice.once(in: 6) {
            target = dice.number(0...target)
            arguments += ["--target", stages[target].name]
        }
        if dice.once(in: 4) { arguments += ["--timestamp", "\(dice.number(0...1_600_000_000))"] }
        if dice.once(in: 4) {
            let value = dice.pick(["x", "a=b", "ü", ""])
            arguments += ["--label", "by.flag=\(value)"]
            stages[target].labels["by.flag"] = value
        }
    }

    /// `FROM`, and the triggers of what it names.
    private mutating func begin(stage number: Int, hasArgument: Bool) {
        let keyword = dice.pick(["FROM", "FROM", "from"])
        let name = dice.pick(["one", "two.x", "s-3", "BUILD"]).lowercased() + "\(number)"
        stage = RandomStage(name: name, hasBase: false)
        switch dice.number(1...6) {
        case 1...2 where !stages.isEmpty:
            let parent = dice.pick(stages)
            lines.append("\(keyword) \(parent.name) AS \(name)")
            stage = parent
            (stage.name, stage.hasCommand, stage.triggers) = (name, false, [])
            for trigger in parent.triggers {
                // What cannot be done is known before the trigger is written, but a child may differ from its parent.
                do { try trigger.apply(&stage) } catch { stage.layers.append(nil) }
            }
        case 3:
            stage.hasBase = true
            lines.append("\(keyword) \(hasArgument ? "${BASE:-x}" : "base") AS \(name)")
        default: lines.append("\(keyword) scratch \(dice.pick(["AS", "as"])) \(name)")
        }
    }

    private mutating func writeInstruction() {
        // What would fail or isn't modelled is thrown away, and something else is tried.
        for _ in 0..<8 {
            let before = self
            serial += 1
            do throws(Unwanted) {
                switch dice.number(1...20) {
                case 1...5: try writeCopy()
                case 6: try writeWildcard()
                case 7...9: try writeCopyFromStage()
                case 10: try writeParents()
                case 11: try writeHeredoc()
                case 12...13: try writeArchive()
                case 14: try writeWorkdir()
                case 15: try writeUnknown()
                case 16: try writeTrigger()
                default: writeConfiguration()
                }
                return
            } catch {
                // The dice must not fall the same way again.
                let thrown = dice
                self = before
                dice = thrown
                serial += 1
            }
        }
    }

    /// A line as it is.
    mutating func append(_ line: String) { lines.append(line) }

    /// An instruction.
    mutating func write(_ line: String) {
        // A continuation now and then, where a blank is one between operands.
        guard dice.once(in: 6), !line.contains("\n"), !line.contains("\""), !line.contains("["), !line.contains(" #"),
            let blank = line.firstIndex(of: " ")
        else { return append(line) }
        lines.append("\(line[..<blank]) \(spelling.escape)")
        if dice.once(in: 2) { lines.append("  # between") }
        lines.append("  \(line[line.index(after: blank)...])")
    }

    mutating func layer(_ flags: ModelLayer.Flags) -> ModelLayer {
        layerCount += 1
        return ModelLayer(over: stage.tree, flags: flags, serial: layerCount)
    }

    /// A number of its own for a name.
    var fresh: Int { serial }
}
