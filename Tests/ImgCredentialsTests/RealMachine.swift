import Glibc
import ImgCredentials
import ImgOCI
import ImgReport
import ImgTasks
import ImgTestKit

extension BlockingPool {
    /// One pool for all tests of this target.
    static let shared = BlockingPool(threads: 4)
}

extension Scratch {
    /// Real files and processes; the home directory is this one.
    func context(_ variables: [String: String] = [:], events: RecordedEvents = RecordedEvents()) -> CredentialContext {
        CredentialContext(
            environment: CredentialEnvironment(
                variables: ["PATH": "\(path):/usr/bin:/bin"].merging(variables) { $1 },
                home: path,
                now: {
                    var time = timespec()
                    _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
                    return Timestamp(seconds: Int64(time.tv_sec))
                }
            ),
            files: LocalCredentialFiles(pool: .shared),
            processes: SubprocessRunner(pool: .shared),
            transport: ScriptedTransport.unreachable,
            events: events
        )
    }
}
