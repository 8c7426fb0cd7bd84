/// A right on one resource, as token servers name it: `repository:library/alpine:pull`.
///
/// - SeeAlso: <https://distribution.github.io/distribution/spec/auth/scope/>
package struct Scope: Hashable, Sendable, CustomStringConvertible {
    /// `repository`, `registry`; empty for words that follow no grammar and are passed through (AUTH-13).
    package let type: String
    package let name: String
    /// In the order of their first mention, which is the order on the wire.
    package private(set) var actions: [String]

    package init(repository name: String, _ actions: [String]) {
        type = "repository"
        self.name = name
        self.actions = actions
    }

    /// Never fails: what is not `type:name:actions` is kept as a word.
    package init(parsing text: String) {
        guard let first = text.firstIndex(of: ":"), let last = text.lastIndex(of: ":"), first < last else {
            (type, name, actions) = ("", text, [])
            return
        }
        type = String(text[..<first])
        name = String(text[text.index(after: first)..<last])
        actions = text[text.index(after: last)...].split(separator: ",").map(String.init)
    }

    package var description: String { type.isEmpty ? name : "\(type):\(name):\(actions.joined(separator: ","))" }

    func isSameResource(as other: Scope) -> Bool { type == other.type && name == other.name }

    mutating func formUnion(_ other: Scope) {
        for action in other.actions where !actions.contains(action) { actions.append(action) }
    }

    func covers(_ other: Scope) -> Bool {
        isSameResource(as: other) && (actions.contains("*") || Set(other.actions).isSubset(of: actions))
    }
}

/// Scopes of one token request, one for each resource, the target repository first (AUTH-9).
package struct ScopeSet: Hashable, Sendable {
    package private(set) var scopes: [Scope] = []

    package init(_ scopes: [Scope] = []) {
        for scope in scopes { insert(scope) }
    }

    /// Merges actions when the resource is known, else appends.
    package mutating func insert(_ scope: Scope) {
        if let place = scopes.firstIndex(where: { $0.isSameResource(as: scope) }) {
            scopes[place].formUnion(scope)
        } else {
            scopes.append(scope)
        }
    }

    /// Adds what a challenge named: a resource that was not asked for before goes first (AUTH-9).
    package mutating func insertChallenged(_ scope: Scope) {
        if scopes.contains(where: { $0.isSameResource(as: scope) }) || scope.type != "repository" {
            insert(scope)
        } else {
            scopes.insert(scope, at: 0)
        }
    }

    /// Whether a token for this set serves a request that needs `other`: a superset for the same target (AUTH-12).
    package func covers(_ other: ScopeSet) -> Bool {
        guard let target = other.scopes.first else { return scopes.isEmpty }
        guard let own = scopes.first, own.isSameResource(as: target) else { return false }
        return other.scopes.allSatisfy { wanted in scopes.contains { $0.covers(wanted) } }
    }

    /// The texts for the request, in order.
    package var texts: [String] { scopes.map(\.description) }
}
