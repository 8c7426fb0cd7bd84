/// Chances that come the same for the same seed.
package struct Dice: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: Int) {
        state = UInt64(bitPattern: Int64(seed)) &* 0x2545_f491_4f6c_dd1d
    }

    /// SplitMix64.
    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    package mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

    /// True once in so many times.
    package mutating func once(in times: Int) -> Bool { number(1...times) == 1 }

    /// One of several, of which there is at least one.
    package mutating func pick<Value>(_ values: [Value]) -> Value { values[number(0...values.count - 1)] }

    package mutating func pick<Value>(from values: [Value]) -> Value? { values.randomElement(using: &self) }

    package mutating func shuffled<Value>(_ values: [Value]) -> [Value] { values.shuffled(using: &self) }

    package mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }

    /// Up to so many pieces, one after the other.
    package mutating func text(_ pieces: [String], upTo count: Int) -> String {
        (0..<number(0...count)).map { _ in pick(pieces) }.joined()
    }
}
