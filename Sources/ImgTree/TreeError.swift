/// Why a tree could not be read.
package enum TreeError: Error, Sendable, CustomStringConvertible {
    /// A stored index is damaged or was written by another version; scan the layer again.
    case corruptIndex(String)
    /// A layer has more entries or path bytes than an index can hold.
    case tooLarge(String)
    /// A layer could not be fetched or read; the loader's own error.
    case load(any Error)

    /// One sentence.
    package var description: String {
        switch self {
        case .corruptIndex(let reason): "damaged layer index: \(reason)"
        case .tooLarge(let reason): "layer too large: \(reason)"
        case .load(let error): "\(error)"
        }
    }
}
