import Configuration
import Primitives
import Testing

@testable import Gateway

@Suite struct TokenTableTests {
    private func tokens(_ yaml: String) throws -> [ClientToken] {
        try ConfigurationLoader.parse("listen: {tokens: [\(yaml)]}").tokens
    }

    private func client(of token: String, in table: TokenTable) -> TokenClient? {
        Array(token.utf8).withUnsafeBytes { table.view.client(of: $0) }
    }

    /// The digests are those of `printf %s test | sha256sum`, and of `B` in capitals.
    @Test func aTokenIsFoundByItsDigest() throws {
        let table = TokenTable(
            try tokens(
                """
                {name: checkout, sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08},
                {name: checkout, sha256: DF7E70E5021544F4834BBEE64A9E3789FEBC4BE81470DF629CAD6DDB03320A5C}
                """))
        let client = try #require(self.client(of: "test", in: table))
        let list = PeerAllowList(["a.test", "token:checkout"])
        withExtendedLifetime(list) {
            #expect(PeerIdentity.isListed(client.name, in: list.bytes))
        }
        #expect(self.client(of: "B", in: table)?.key == client.key, "a name's tokens are one client")
        for wrong in ["", "tes", "test ", "Test", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"] {
            #expect(self.client(of: wrong, in: table) == nil)
        }
    }

    @Test func withoutTokensNobodyIsKnown() {
        #expect(client(of: "test", in: TokenTable([])) == nil)
    }

    @Test func aFullTableFindsAll() throws {
        let digits = Array("0123456789abcdef")
        // All in one slot: digests that differ in their last byte only.
        let list = (0..<200).map { index in
            let end = String(digits[index / 16]) + String(digits[index % 16])
            return "{name: c\(index), sha256: \(String(repeating: "0", count: 62))\(end)}"
        }
        let table = TokenTable(try tokens(list.joined(separator: ",")))
        #expect(table.view.capacity == 512)
        let keys = (0..<512).compactMap { table.view.slots[$0].client?.key }
        #expect(Set(keys).count == 200)
        #expect(client(of: "test", in: table) == nil, "a probe past two hundred others ends")
    }
}
