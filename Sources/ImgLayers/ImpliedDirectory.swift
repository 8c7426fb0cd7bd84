import ImgStream
import ImgTree

/// A directory that an instruction makes only to hold something (CP-19), as mkdir(2) makes it.
struct ImpliedDirectory {
    /// Permission bits.
    var mode: UInt16 = 0o755
    /// nil where nothing says whose it is.
    var owner: Owner?

    /// A parent with set-group-ID hands that bit down, and its group to what nobody gives an owner.
    func node(in parent: Entry) -> WorkingTree.Node {
        let inherits = parent.mode & 0o2000 != 0
        return WorkingTree.Node(
            kind: .directory,
            mode: inherits ? mode | 0o2000 : mode,
            uid: owner?.uid ?? 0,
            gid: owner?.gid ?? (inherits ? parent.gid : 0)
        )
    }
}
