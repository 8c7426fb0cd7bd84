package import ImgReport
import ImgStream
import ImgTree

extension BuildError {
    /// Any error as one for people; cancellation becomes `.interrupted`.
    package init(wrapping error: any Error) {
        switch error {
        case let error as BuildError: self = error
        case is CancellationError: self.init(.interrupted, "interrupted")
        case TreeError.load(let inner): self.init(wrapping: inner)
        case let error as StreamError where error.code == .cancelled: self.init(.interrupted, "interrupted")
        case let error as StreamError: self.init(.failure, error.message)
        default: self.init(.failure, "\(error)")
        }
    }
}
