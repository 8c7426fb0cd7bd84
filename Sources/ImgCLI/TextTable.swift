/// Columns of text as buildx lines them up: cells padded to the widest, three spaces between, the last one bare.
enum TextTable {
    private static let gap = 3

    static func lines(_ rows: [[String]]) -> [String] {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns)
            .map { column in
                rows.compactMap { column < $0.count ? $0[column].unicodeScalars.count : nil }.max() ?? 0
            }
        return rows.map { row in
            row.enumerated()
                .map { column, cell in
                    guard column < row.count - 1 else { return cell }
                    return cell + String(repeating: " ", count: widths[column] - cell.unicodeScalars.count + gap)
                }
                .joined()
        }
    }
}
