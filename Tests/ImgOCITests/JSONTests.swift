import ImgOCI
import Testing

@Suite struct JSONTests {
    @Test(arguments: [
        #"{"b":1,"a":[true,false,null,"x\"\\\n"],"n":-0.5e3,"u":{"é":"\/"}}"#:
            #"{"b":1,"a":[true,false,null,"x\"\\\n"],"n":-0.5e3,"u":{"é":"/"}}"#,
        " [ 1 , 2 ] ": "[1,2]",
        #""\ud83d\ude00\u0001""#: "\"\u{1F600}\\u0001\"",
        #""\ud800x""#: "\"\u{FFFD}x\"",
        #"{"a":1,"a":2}"#: #"{"a":2}"#,
        "9223372036854775807": "9223372036854775807",
        "92233720368547758070": "92233720368547758070",
    ])
    func roundTrip(_ text: String, _ expected: String) throws {
        #expect(try JSON.parse(Array(text.utf8)).text() == expected)
    }

    @Test(arguments: [
        "", "{", "[1,]", "{\"a\"}", "01", "1.", "tru", "\"\u{1}\"", "\"abc", "[1] x", "nul", "{'a':1}", "\u{FEFF}{}",
        "-",
        "\"\\x\"", "\"\\u12\"",
    ])
    func refuses(_ text: String) {
        #expect(throws: JSONError.self) { try JSON.parse(Array(text.utf8)) }
    }

    @Test func depthAndDuplicatesAreLimited() {
        let deep = Array((String(repeating: "[", count: 100_000)).utf8)
        #expect(throws: JSONError.self) { try JSON.parse(deep) }
        #expect(throws: JSONError.self) { try JSON.parse(Array(#"{"a":1,"a":1}"#.utf8), refusingDuplicates: true) }
    }

    @Test func indentedForm() {
        let value = JSON.object(JSONObject([("a", .array([.integer(1)])), ("b", .object(JSONObject()))]))
        #expect(value.text(indent: 2) == "{\n  \"a\": [\n    1\n  ],\n  \"b\": {}\n}")
    }
}
