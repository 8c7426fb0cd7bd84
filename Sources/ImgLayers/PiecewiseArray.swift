/// An array in pieces that can be given back one by one, so that what is made of a large one need not lie beside it.
struct PiecewiseArray<Element> {
    /// Large enough for the allocator to return its memory at once.
    static var pieceLength: Int { 8192 }

    private var pieces: [[Element]] = []
    private(set) var count = 0

    mutating func append(_ element: Element) {
        if count % Self.pieceLength == 0 { pieces.append([]) }
        pieces[pieces.count - 1].append(element)
        count += 1
    }

    subscript(position: Int) -> Element {
        get { pieces[position / Self.pieceLength][position % Self.pieceLength] }
        _modify { yield &pieces[position / Self.pieceLength][position % Self.pieceLength] }
    }

    var pieceCount: Int { pieces.count }

    /// Number of the piece that an element lies in.
    func piece(of position: Int) -> Int { position / Self.pieceLength }

    /// Frees a piece; its elements must not be asked for again.
    mutating func release(_ piece: Int) { pieces[piece] = [] }
}
