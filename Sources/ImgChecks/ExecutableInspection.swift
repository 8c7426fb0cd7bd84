/// Reads one file's bytes as they stream by and keeps what a later check needs.
///
/// At most ``prefixLimit`` bytes and the dynamic section are held.
package struct ExecutableInspection {
    /// String and version tables of all but giant libraries lie within this many bytes.
    static let prefixLimit = 1 << 20
    private static let dynamicLimit: UInt64 = 64 << 10

    private var prefix: [UInt8] = []
    private var dynamic: [UInt8] = []
    private var dynamicStretch: ELFReader.Stretch?
    private var reader: ELFReader?
    private var position: UInt64 = 0
    private var isDone = false

    package init() {}

    /// Takes the next bytes.
    ///
    /// - Returns: False when nothing further is needed: most files are dismissed by their first bytes.
    package mutating func feed(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard !isDone else { return false }
        if prefix.count < Self.prefixLimit {
            unsafe prefix.append(contentsOf: bytes.prefix(Self.prefixLimit - prefix.count))
        }
        if position == 0 { isDone = !isELF && !wantsScriptOrHeader }
        if isELF { unsafe feedDynamic(bytes) }
        position += UInt64(bytes.count)
        if !isELF, prefix.count >= BinaryFormat.headLength { isDone = true }
        return !isDone
    }

    private var isELF: Bool { prefix.starts(with: [0x7f, 0x45, 0x4c, 0x46]) }

    private var wantsScriptOrHeader: Bool {
        guard prefix.count >= 4 else { return true }
        return prefix.starts(with: [0x23, 0x21]) || prefix.starts(with: [0x4d, 0x5a])
            || BinaryFormat(head: prefix[...]) != nil
    }

    /// Keeps a dynamic section that does not lie within the prefix.
    private mutating func feedDynamic(_ bytes: UnsafeRawBufferPointer) {
        if reader == nil, prefix.count >= min(Self.prefixLimit, 4096) {
            reader = ELFReader(prefix: prefix[...])
            dynamicStretch = reader?.dynamic
        }
        guard let stretch = dynamicStretch, stretch.size <= Self.dynamicLimit,
            stretch.offset + stretch.size > UInt64(Self.prefixLimit)
        else {
            if prefix.count == Self.prefixLimit { isDone = true }
            return
        }
        let wanted = stretch.offset + UInt64(dynamic.count)
        let end = stretch.offset + stretch.size
        guard wanted < position + UInt64(bytes.count), wanted >= position else { return }
        let from = Int(wanted - position)
        unsafe dynamic.append(contentsOf: bytes[from...].prefix(Int(end - wanted)))
        if dynamic.count == Int(stretch.size) { isDone = true }
    }

    /// The first bytes of the file, as far as they were looked at: enough to tell one program from another.
    package var sample: ArraySlice<UInt8> { prefix.prefix(16 << 10) }

    /// What was found; nil when the file is neither a known binary nor a script.
    package func finish() -> ExecutableFacts? {
        guard let format = BinaryFormat(head: prefix.prefix(BinaryFormat.headLength)) else { return nil }
        var facts = ExecutableFacts(format: format)
        guard case .elf = format, let elf = ELFReader(prefix: prefix[...]) else { return facts }
        facts.interpreter = elf.interpreter
        guard let stretch = elf.dynamic else {
            facts.hasDynamicInfo = true
            return facts
        }
        guard stretch.size <= Self.dynamicLimit else { return facts }
        let end = stretch.offset + stretch.size
        if end <= UInt64(prefix.count) {
            elf.read(dynamic: prefix[Int(stretch.offset)..<Int(end)], into: &facts)
        } else if dynamic.count == Int(stretch.size) {
            elf.read(dynamic: dynamic[...], into: &facts)
        }
        return facts
    }
}
