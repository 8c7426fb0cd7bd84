/// HEALTHCHECK (CFG-9).
struct HealthcheckParser {
    let lexed: LexedInstruction

    func healthcheck() throws(ParsingError) -> Healthcheck {
        guard case .health(let written, let command) = lexed.arguments else {
            throw ParsingError("HEALTHCHECK requires at least one argument")
        }
        let kind = written.uppercased()
        if kind == "NONE" {
            if command != nil { throw ParsingError("HEALTHCHECK NONE takes no arguments") }
            return .none
        }
        let flags = try FlagParser(
            lexed.flags,
            known: [
                "interval": .string, "timeout": .string, "start-period": .string, "start-interval": .string,
                "retries": .string,
            ]
        )
        guard kind == "CMD" else { throw ParsingError("Unknown type \(kind.goQuoted) in HEALTHCHECK (try CMD)") }
        guard let command, command != .exec([]) else { throw ParsingError("Missing command after HEALTHCHECK CMD") }
        var options = HealthcheckOptions()
        options.interval = try duration("interval", flags)
        options.timeout = try duration("timeout", flags)
        options.startPeriod = try duration("start-period", flags)
        options.startInterval = try duration("start-interval", flags)
        options.retries = try retries(flags)
        return .command(command, options)
    }

    private func duration(_ name: String, _ flags: FlagParser) throws(ParsingError) -> Int64 {
        guard let text = flags.string(name) else { return 0 }
        let duration: Int64
        do throws(GoDuration.SyntaxError) {
            duration = try GoDuration.parse(text)
        } catch {
            throw ParsingError(error.message)
        }
        guard duration == 0 || duration >= 1_000_000 else {
            throw ParsingError("Interval \(name.goQuoted) cannot be less than 1ms")
        }
        return duration
    }

    private func retries(_ flags: FlagParser) throws(ParsingError) -> Int {
        guard let text = flags.string("retries") else { return 0 }
        guard let number = Int32(text) else {
            let digits = text.utf8.first == UInt8(ascii: "-") || text.utf8.first == UInt8(ascii: "+") ? 1 : 0
            let rest = text.utf8.dropFirst(digits)
            let isNumber = !rest.isEmpty && rest.allSatisfy { (0x30...0x39).contains($0) }
            let reason = isNumber ? "value out of range" : "invalid syntax"
            throw ParsingError("strconv.ParseInt: parsing \(text.goQuoted): \(reason)")
        }
        if number < 0 { throw ParsingError("--retries cannot be negative (\(number))") }
        return Int(number)
    }
}
