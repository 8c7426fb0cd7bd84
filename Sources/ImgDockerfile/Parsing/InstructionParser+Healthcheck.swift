extension InstructionParser {
    private static let healthcheckFlags: [String: FlagParser.Kind] = [
        "interval": .string, "timeout": .string, "start-period": .string, "start-interval": .string,
        "retries": .string,
    ]

    /// HEALTHCHECK (CFG-9).
    func healthcheck() throws(ValidationError) -> Healthcheck {
        guard case .healthcheck(let type, let arguments) = raw.arguments else {
            throw .atLeastOneArgument("HEALTHCHECK")
        }
        let name = type.text.uppercased()
        if name == "NONE" {
            if Self.isEmpty(arguments) { return .none }
            throw ValidationError(message: "HEALTHCHECK NONE takes no arguments")
        }
        let flags = try FlagParser(raw.flags, allowing: Self.healthcheckFlags)
        guard name == "CMD" else {
            throw ValidationError(
                message: "Unknown type \(name.goQuoted) in HEALTHCHECK (try CMD)",
                stretch: type.stretch
            )
        }
        if Self.isEmpty(arguments) { throw ValidationError(message: "Missing command after HEALTHCHECK CMD") }
        let options = HealthcheckOptions(
            interval: try duration("interval", flags),
            timeout: try duration("timeout", flags),
            startPeriod: try duration("start-period", flags),
            startInterval: try duration("start-interval", flags),
            retries: try retries(flags)
        )
        return .command(Self.command(arguments), options)
    }

    private static func isEmpty(_ arguments: RawInstruction.Arguments) -> Bool {
        switch arguments {
        case .none: true
        case .json(let elements, _): elements.isEmpty
        default: false
        }
    }

    private func duration(_ name: String, _ flags: FlagParser) throws(ValidationError) -> Int64 {
        guard let text = flags.string(name) else { return 0 }
        let nanoseconds: Int64
        do { nanoseconds = try GoDuration.parse(text) } catch {
            throw ValidationError(message: error.message, stretch: stretch(ofFlag: name))
        }
        guard nanoseconds == 0 || nanoseconds >= 1_000_000 else {
            throw ValidationError(
                message: "Interval \(name.goQuoted) cannot be less than 1ms",
                stretch: stretch(ofFlag: name)
            )
        }
        return nanoseconds
    }

    private func retries(_ flags: FlagParser) throws(ValidationError) -> Int {
        guard let text = flags.string("retries") else { return 0 }
        let stretch = stretch(ofFlag: "retries")
        guard let number = Int32(text) else {
            let digits = text.first == "-" || text.first == "+" ? text.dropFirst() : text[...]
            let isNumber = !digits.isEmpty && digits.utf8.allSatisfy { (0x30...0x39).contains($0) }
            let reason = isNumber ? "value out of range" : "invalid syntax"
            throw ValidationError(
                message: "strconv.ParseInt: parsing \(text.goQuoted): \(reason)",
                stretch: stretch
            )
        }
        if number < 0 {
            throw ValidationError(message: "--retries cannot be negative (\(number))", stretch: stretch)
        }
        return Int(number)
    }
}
