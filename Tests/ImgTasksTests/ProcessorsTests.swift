import Testing

@testable import ImgTasks

@Suite struct ProcessorsTests {
    @Test func onlyThoseCountThatTheThreadMayRunOn() {
        #expect(Processors.available >= 1)
        #expect(Processors.allowed(inStatus: "Name:\tx\nCpus_allowed:\t1\nCpus_allowed_list:\t0\n") == 1)
        #expect(Processors.allowed(inStatus: "Cpus_allowed:\tff,0000000f\n") == 12)
        #expect(Processors.allowed(inStatus: "Cpus_allowed:\t0\n") == nil)
        #expect(Processors.allowed(inStatus: "") == nil)
    }
}
