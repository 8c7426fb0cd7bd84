/// Splits the text of an instruction into words and flags (FLG-1, FLG-2, WRD-1, WRD-2).
struct WordSplitter {
    let bytes: [UInt8]
    let escape: UInt8

    /// The stretch without uspace at either end.
    func trimmed(_ stretch: Range<Int>) -> Range<Int> {
        let slice = TextBytes.trimmed(bytes[stretch])
        return slice.isEmpty ? stretch.upperBound..<stretch.upperBound : slice.startIndex..<slice.endIndex
    }

    /// The text up to the first run of aspace, and what follows the run; `rest` is nil without a run (LEX-15).
    func splitAtBlank(_ stretch: Range<Int>) -> (first: Range<Int>, rest: Range<Int>?) {
        guard let blank = bytes[stretch].firstIndex(where: TextBytes.isBlank) else { return (stretch, nil) }
        let rest = bytes[blank..<stretch.upperBound].firstIndex { !TextBytes.isBlank($0) } ?? stretch.upperBound
        return (stretch.lowerBound..<blank, rest..<stretch.upperBound)
    }

    func word(_ stretch: Range<Int>) -> Word { Word(bytes: Array(bytes[stretch]), stretch: stretch) }

    /// Words between runs of aspace; quotes do not group (WRD-1).
    func blankSeparated(_ stretch: Range<Int>) -> [Word] {
        bytes[stretch].split(whereSeparator: TextBytes.isBlank).map { word($0.startIndex..<$0.endIndex) }
    }

    /// The width of the uspace at an offset; 0 when there is none.
    private func spaceWidth(at place: Int, before end: Int) -> Int {
        let byte = bytes[place]
        if byte < 0x80 { return TextBytes.isSpace(UInt32(byte)) ? 1 : 0 }
        let (value, length) = TextBytes.scalar(in: bytes[place..<end], at: 0)
        return TextBytes.isSpace(value) ? length : 0
    }

    private func characterWidth(at place: Int, before end: Int) -> Int {
        bytes[place] < 0x80 ? 1 : TextBytes.scalar(in: bytes[place..<end], at: 0).length
    }

    private func skippingSpace(from start: Int, before end: Int) -> Int {
        var place = start
        while place < end {
            let width = spaceWidth(at: place, before: end)
            if width == 0 { break }
            place += width
        }
        return place
    }

    /// Words between uspace with quotes and escapes kept (WRD-2).
    func quotedWords(_ stretch: Range<Int>) -> [Word] {
        let end = stretch.upperBound
        var words: [Word] = []
        var place = skippingSpace(from: stretch.lowerBound, before: end)
        while place < end {
            let start = place
            var text: [UInt8] = []
            var quote: UInt8?
            var isQuoted = false
            while place < end {
                let byte = bytes[place]
                if quote == nil, spaceWidth(at: place, before: end) > 0 { break }
                if byte == escape, quote != UInt8(ascii: "'") {
                    // At the very end the token is dropped.
                    guard place + 1 < end else {
                        place += 1
                        break
                    }
                    let width = 1 + characterWidth(at: place + 1, before: end)
                    text.append(contentsOf: bytes[place..<place + width])
                    place += width
                    continue
                }
                if byte == quote {
                    quote = nil
                } else if quote == nil, byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
                    quote = byte
                    isQuoted = true
                }
                text.append(byte)
                place += 1
            }
            if isQuoted || !text.isEmpty { words.append(Word(bytes: text, stretch: start..<place)) }
            place = skippingSpace(from: place, before: end)
        }
        return words
    }

    /// Takes the leading flags off (FLG-1, FLG-2).
    ///
    /// - Returns: The flags with quotes and escapes removed, and the untrimmed remainder.
    func flags(_ stretch: Range<Int>) -> (flags: [Word], rest: Range<Int>) {
        let end = stretch.upperBound
        let dash = UInt8(ascii: "-")
        var flags: [Word] = []
        var place = stretch.lowerBound
        while true {
            place = skippingSpace(from: place, before: end)
            guard place + 1 < end, bytes[place] == dash, bytes[place + 1] == dash else { return (flags, place..<end) }
            let flag = flag(from: place, before: end)
            place = flag.stretch.upperBound
            if flag.bytes == [dash, dash] { return (flags, place..<end) }
            flags.append(flag)
        }
    }

    private func flag(from start: Int, before end: Int) -> Word {
        var text: [UInt8] = []
        var quote: UInt8?
        var place = start
        while place < end {
            let byte = bytes[place]
            if quote == nil, spaceWidth(at: place, before: end) > 0 { break }
            if byte == escape {
                place += 1
                guard place < end else { break }
                let width = characterWidth(at: place, before: end)
                text.append(contentsOf: bytes[place..<place + width])
                place += width
                continue
            }
            place += 1
            if byte == quote {
                quote = nil
            } else if quote == nil, byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
                quote = byte
            } else {
                text.append(byte)
            }
        }
        return Word(bytes: text, stretch: start..<place)
    }
}
