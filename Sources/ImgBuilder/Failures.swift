import ImgExport
import ImgHTTP
import ImgLayers
import ImgOCI
import ImgRegistry
import ImgReport
import ImgTree

extension BuildError {
    /// Any error of the layers below as one for people, with the exit status that fits its kind.
    init(describing error: any Error) {
        switch error {
        case let error as BuildError: self = error
        case let error as RegistryError: self = error.buildError
        case let error as HTTPError:
            self.init(error.code == .cancelled ? .interrupted : .network, error.message)
        case let error as OCIError: self.init(.failure, error.description)
        case let error as ReferenceError:
            self.init(.failure, error.description, hints: error.hint.map { [$0] } ?? [])
        case TreeError.load(let inner): self.init(describing: inner)
        default: self.init(wrapping: error)
        }
    }
}
