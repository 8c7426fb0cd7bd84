import Glibc

/// Waits for descriptors that a read or write may find not ready.
///
/// Whoever started the program may have set its standard streams not to block; and a read that blocks sees no cancellation.
package enum DescriptorWait {
    /// Blocks the thread until something, an end or an error can be read.
    ///
    /// - Returns: False when the task was cancelled before.
    package static func forInput(_ descriptor: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while !Task.isCancelled {
            let status = unsafe poll(&entry, 1, 100)
            if status > 0 || (status < 0 && errno != EINTR) { return true }
        }
        return false
    }

    /// Blocks the thread until something can be written, whether the task is cancelled or not.
    package static func forRoom(_ descriptor: Int32) {
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        while unsafe poll(&entry, 1, -1) < 0, errno == EINTR {}
    }
}
