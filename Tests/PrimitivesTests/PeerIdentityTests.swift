import Testing

@testable import Primitives

@Suite struct PeerIdentityTests {
    private func isListed(_ names: [(PeerNameKind, String)], in list: [String]) -> Bool {
        var peer = PeerIdentity()
        for (kind, name) in names { append(&peer, kind, name) }
        let list = PeerAllowList(list)
        return withExtendedLifetime(list) { peer.isListed(in: list.bytes) }
    }

    private func append(_ peer: inout PeerIdentity, _ kind: PeerNameKind, _ name: String) {
        Array(name.utf8).withUnsafeBytes { peer.append(kind, $0) }
    }

    @Test func aNameEqualsOneOfItsKind() {
        #expect(isListed([(.uri, "spiffe://a/b")], in: ["x.test", "spiffe://a/b"]))
        #expect(isListed([(.email, "a@b.test"), (.dns, "A.test")], in: ["a.TEST"]))
        #expect(isListed([(.email, "a@b.test")], in: ["a@b.test"]))
        #expect(!isListed([(.uri, "spiffe://a/b")], in: ["spiffe://a/B", "spiffe://a/bb", "spiffe://a/"]))
        #expect(!isListed([(.dns, "spiffe://a/b")], in: ["spiffe://a/b"]), "a DNS name that reads like a URI")
        #expect(!isListed([(.uri, "a.test")], in: ["a.test"]))
        #expect(
            !isListed([(.uri, "token:a"), (.dns, "token:a"), (.dns, "a")], in: ["token:a"]), "no certificate's name")
        #expect(!isListed([], in: ["a.test"]) && !isListed([(.dns, "a.test")], in: []))
    }

    @Test func theFirstNameSpeaksForThePeer() {
        var peer = PeerIdentity()
        #expect(peer.first.isEmpty && !peer.hasCertificate)
        append(&peer, .uri, "urn:a")
        append(&peer, .dns, "b.test")
        #expect(String(decoding: peer.first, as: UTF8.self) == "urn:a" && peer.nameCount == 2)
        peer.hasCertificate = true
        peer.reset()
        #expect(peer.first.isEmpty && !peer.hasCertificate && peer.nameCount == 0)
    }

    @Test func namesThatCannotBeComparedAreLeftOut() {
        var peer = PeerIdentity()
        for name in ["", "a b", "a\u{0}b", "ä.test", String(repeating: "a", count: 1025)] { append(&peer, .dns, name) }
        #expect(peer.nameCount == 0)
        for index in 0..<200 { append(&peer, .dns, "\(index).test") }
        #expect(peer.nameCount == PeerIdentity.nameLimit)
    }
}

@Suite struct PublishedTests {
    @Test func aReaderSeesAReplacementByItsGeneration() {
        let published = Published("old")
        let (value, generation) = published.load()
        #expect(value == "old" && published.generation == generation)
        published.replace("new")
        #expect(published.generation == generation + 1 && published.load() == ("new", generation + 1))
    }
}
