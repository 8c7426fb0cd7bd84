import Glibc

/// A wake-up call for plain threads, kept in a pipe.
///
/// Descriptors are numbers, so the signal is shared without unsafe pointers and can be polled beside sockets.
/// A wait may end without a call: callers look at their own state again.
package final class ThreadSignal: Sendable {
    /// The end to poll for reading, or -1 if the process had no descriptor left.
    package let descriptor: Int32
    private let writer: Int32

    package init() {
        var ends: (reader: Int32, writer: Int32) = (-1, -1)
        let status = unsafe withUnsafeMutableBytes(of: &ends) { bytes in
            unsafe pipe(bytes.assumingMemoryBound(to: Int32.self).baseAddress)
        }
        descriptor = status == 0 ? ends.reader : -1
        writer = status == 0 ? ends.writer : -1
        if status == 0 {
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            _ = fcntl(writer, F_SETFD, FD_CLOEXEC)
            // A full pipe holds more calls than there are waiters; another one may be dropped.
            _ = fcntl(writer, F_SETFL, O_NONBLOCK)
        }
    }

    deinit {
        guard descriptor >= 0 else { return }
        close(descriptor)
        close(writer)
    }

    /// Lets one wait, present or future, return.
    package func post() {
        var call: UInt8 = 1
        while writer >= 0, unsafe write(writer, &call, 1) < 0, errno == EINTR {}
    }

    /// Blocks the thread until a call arrives.
    @available(*, noasync)
    package func wait() {
        guard descriptor >= 0 else {
            usleep(1000)  // no descriptor: let the caller look again a little later
            return
        }
        var call: UInt8 = 0
        while unsafe read(descriptor, &call, 1) < 0, errno == EINTR {}
    }

    /// Blocks the thread until a call arrives or the time is over.
    ///
    /// Only for signals that a single thread waits for.
    @available(*, noasync)
    package func wait(milliseconds: Int32) {
        guard descriptor >= 0 else { return wait() }
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        if unsafe poll(&entry, 1, milliseconds) > 0 {
            wait()
        }
    }
}
