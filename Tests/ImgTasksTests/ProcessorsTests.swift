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

    /// A container may run on all processors, but for a part of the time.
    @Test func onlySoManyCountAsTimeIsGrantedFor() {
        #expect(Processors.granted(byLimit: "100000 100000\n") == 1)
        #expect(Processors.granted(byLimit: "150000 100000\n") == 2)
        #expect(Processors.granted(byLimit: "1000 100000\n") == 1)
        #expect(Processors.granted(byLimit: "max 100000\n") == nil)
        #expect(Processors.granted(byLimit: "") == nil)
        #expect(Processors.groups(inList: "1:cpu:/x\n0::/pods/one\n") == ["", "/pods", "/pods/one"])
        #expect(Processors.groups(inList: "0::/\n") == [""])
        #expect(Processors.groups(inList: "1:cpu:/x\n").isEmpty)
    }
}
