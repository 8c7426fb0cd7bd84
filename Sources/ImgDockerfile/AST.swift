package import ImgReport

/// A Dockerfile as written: every instruction with its source range, nothing expanded or resolved.
package struct Dockerfile: Sendable, Hashable {
    package var file: SourceFile
    package var directives: Directives
    package var instructions: [Instruction]

    package init(file: SourceFile, directives: Directives, instructions: [Instruction]) {
        self.file = file
        self.directives = directives
        self.instructions = instructions
    }
}

/// The parser directives at the top of the file (DIR-1…DIR-8).
package struct Directives: Sendable, Hashable {
    /// `\` or a back tick.
    package var escape: UInt8
    package var syntax: String?
    package var check: CheckOptions?

    package init(escape: UInt8 = UInt8(ascii: "\\"), syntax: String? = nil, check: CheckOptions? = nil) {
        self.escape = escape
        self.syntax = syntax
        self.check = check
    }
}

/// The value of a `check` directive (DIR-8).
package struct CheckOptions: Sendable, Hashable {
    package var skip: Set<String>
    package var skipAll: Bool
    package var experimental: Set<String>
    package var experimentalAll: Bool
    package var error: Bool

    package init(
        skip: Set<String> = [],
        skipAll: Bool = false,
        experimental: Set<String> = [],
        experimentalAll: Bool = false,
        error: Bool = false
    ) {
        self.skip = skip
        self.skipAll = skipAll
        self.experimental = experimental
        self.experimentalAll = experimentalAll
        self.error = error
    }
}

/// One instruction with where it stands and what precedes it.
package struct Instruction: Sendable, Hashable {
    /// The keyword as typed (LEX-16).
    package var keyword: String
    /// First to last physical line, heredoc bodies included (LEX-7).
    package var range: SourceRange
    /// Comment lines directly above, without `#`, trimmed (LEX-8).
    package var comments: [String]
    /// Rules skipped by a `# check=skip=…` comment above (LINT-4); `all` stands for every rule.
    package var skippedRules: Set<String>
    /// The logical line after continuations, keyword included.
    package var original: String
    /// Whether an empty line stood inside the instruction's continuation (LEX-11).
    package var hasEmptyContinuation: Bool
    package var body: InstructionBody
    /// Where each operand stands, in written order.
    ///
    /// For a JSON form each is the whole array; those of EXPOSE follow its sorted operands, and the heredocs of COPY
    /// and ADD stand before the destination.
    package var operandRanges: [SourceRange]
    /// Where each flag stands, by name without dashes; of a repeated flag the last.
    package var flagRanges: [String: SourceRange]

    package init(
        keyword: String,
        range: SourceRange,
        comments: [String],
        skippedRules: Set<String>,
        original: String,
        hasEmptyContinuation: Bool,
        body: InstructionBody,
        operandRanges: [SourceRange] = [],
        flagRanges: [String: SourceRange] = [:]
    ) {
        self.keyword = keyword
        self.range = range
        self.comments = comments
        self.skippedRules = skippedRules
        self.original = original
        self.hasEmptyContinuation = hasEmptyContinuation
        self.body = body
        self.operandRanges = operandRanges
        self.flagRanges = flagRanges
    }

    /// Where an operand stands; the whole instruction when that is unknown.
    package func range(ofOperand position: Int) -> SourceRange {
        operandRanges.indices.contains(position) ? operandRanges[position] : range
    }
}

/// What an instruction says, by keyword.
package enum InstructionBody: Sendable, Hashable {
    case from(FromInstruction)
    case arg([ArgDefinition])
    case env([KeyValue], legacy: Bool)
    case label([KeyValue], legacy: Bool)
    case copy(CopyInstruction)
    case add(CopyInstruction)
    case run(RunInstruction)
    case cmd(CommandForm)
    case entrypoint(CommandForm)
    case shell([String])
    case expose([String])
    case volume([String])
    case user(String)
    case workdir(String)
    case stopsignal(String)
    case healthcheck(Healthcheck)
    case onbuild(String)
    case maintainer(String)
}

package struct FromInstruction: Sendable, Hashable {
    /// The operand as written, unexpanded.
    package var image: String
    /// `--platform` as written, unexpanded; nil when absent.
    package var platform: String?
    /// Lower-cased (PAR-4); nil when unnamed.
    package var stageName: String?
    /// As written.
    package var stageNameAsWritten: String?
    /// The `AS` keyword as written.
    package var asKeyword: String?

    package init(image: String, platform: String?, stageName: String?, stageNameAsWritten: String?, asKeyword: String?)
    {
        self.image = image
        self.platform = platform
        self.stageName = stageName
        self.stageNameAsWritten = stageNameAsWritten
        self.asKeyword = asKeyword
    }
}

package struct ArgDefinition: Sendable, Hashable {
    package var name: String
    /// Unexpanded, quotes kept; nil when declared only.
    package var value: String?

    package init(name: String, value: String?) {
        self.name = name
        self.value = value
    }
}

package struct KeyValue: Sendable, Hashable {
    /// Unexpanded, quotes kept.
    package var key: String
    package var value: String

    package init(key: String, value: String) {
        self.key = key
        self.value = value
    }
}

/// COPY and ADD share one shape; flags that one of them lacks are at their defaults.
package struct CopyInstruction: Sendable, Hashable {
    /// Path or URL operands as written, unexpanded, in order (heredoc operands are in `heredocs`).
    package var sources: [String]
    package var heredocs: [Heredoc]
    package var destination: String
    package var from: String?
    package var chown: String?
    package var chmod: String?
    package var checksum: String?
    package var link: Bool
    package var parents: Bool
    package var keepGitDir: Bool?
    package var unpack: Bool?
    package var excludes: [String]

    package init(sources: [String], heredocs: [Heredoc], destination: String) {
        self.sources = sources
        self.heredocs = heredocs
        self.destination = destination
        self.link = false
        self.parents = false
        self.excludes = []
    }
}

package struct Heredoc: Sendable, Hashable {
    package var name: String
    /// The raw body, line endings kept (HD-7).
    package var content: String
    /// False when the name was quoted (HD-5).
    package var expands: Bool
    /// The number before `<<`, 0 when none (HD-2).
    package var fileDescriptor: Int

    package init(name: String, content: String, expands: Bool, fileDescriptor: Int) {
        self.name = name
        self.content = content
        self.expands = expands
        self.fileDescriptor = fileDescriptor
    }
}

/// JSON form or the rest of the line as a shell text (PAR-6).
package enum CommandForm: Sendable, Hashable {
    case exec([String])
    case shell(String)
}

package struct RunInstruction: Sendable, Hashable {
    package var command: CommandForm
    package var heredocs: [Heredoc]
    /// `from=` of the mounts: stage dependencies (RUN-4).
    package var mountSources: [String]

    package init(command: CommandForm, heredocs: [Heredoc], mountSources: [String]) {
        self.command = command
        self.heredocs = heredocs
        self.mountSources = mountSources
    }
}

package enum Healthcheck: Sendable, Hashable {
    case none
    case command(CommandForm, HealthcheckOptions)
}

/// Durations are nanoseconds, 0 when absent (CFG-9).
package struct HealthcheckOptions: Sendable, Hashable {
    package var interval: Int64
    package var timeout: Int64
    package var startPeriod: Int64
    package var startInterval: Int64
    package var retries: Int

    package init(
        interval: Int64 = 0,
        timeout: Int64 = 0,
        startPeriod: Int64 = 0,
        startInterval: Int64 = 0,
        retries: Int = 0
    ) {
        self.interval = interval
        self.timeout = timeout
        self.startPeriod = startPeriod
        self.startInterval = startInterval
        self.retries = retries
    }
}
