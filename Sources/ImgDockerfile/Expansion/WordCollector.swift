/// Gathers the words of an expansion; empty ones never arise, not even from quotes.
struct WordCollector {
    private var words: [[UInt8]] = []
    private var word: [UInt8] = []

    /// Appends text whose uspace separates words.
    mutating func append(splitting text: some RandomAccessCollection<UInt8>) {
        var place = 0
        while place < text.count {
            let (value, length) = TextBytes.scalar(in: text, at: place)
            if TextBytes.isSpace(value) {
                endWord()
            } else {
                word += text.dropFirst(place).prefix(length)
            }
            place += length
        }
    }

    /// Appends text that was quoted or escaped.
    mutating func append(whole text: [UInt8]) { word += text }

    mutating func finish() -> [[UInt8]] {
        endWord()
        return words
    }

    private mutating func endWord() {
        guard !word.isEmpty else { return }
        words.append(word)
        word = []
    }
}
