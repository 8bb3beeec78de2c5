import Testing

@testable import Routing

@Suite struct RouteTableTests {
    private func route(_ table: RouteTable, _ model: String, _ version: String = "") -> RouteDecision {
        var (model, version) = (model, version)
        return model.withUTF8 { name in
            version.withUTF8 { table.route(model: UnsafeRawBufferPointer(name), version: UnsafeRawBufferPointer($0)) }
        }
    }

    @Test func findsEveryModelAmongMany() {
        let models = (0..<500).map {
            RoutedModel(name: "model-\($0)", versions: [(1, $0 * 2), (7, $0 * 2 + 1)], stable: $0 * 2 + 1)
        }
        let table = RouteTable(models)
        for index in 0..<500 {
            #expect(route(table, "model-\(index)") == .version(index: index * 2 + 1, arm: .stable))
            #expect(route(table, "model-\(index)", "1") == .version(index: index * 2, arm: .pinned))
            #expect(route(table, "model-\(index)", "2") == .unknownVersion)
        }
        #expect(route(table, "model-500") == .unknownModel)
        #expect(route(table, "model") == .unknownModel)
        #expect(route(table, "") == .unknownModel)
    }

    @Test func aModelWithoutAReadyVersionIsKnownButNotReady() {
        let table = RouteTable([RoutedModel(name: "fraud", versions: [], stable: nil)])
        #expect(route(table, "fraud") == .notReady)
        #expect(route(table, "fraud", "1") == .unknownVersion)
    }

    @Test(arguments: ["01", "-1", "1a", "9223372036854775808", "99999999999999999999", " 1", "1.0"])
    func anOddVersionIsUnknown(text: String) {
        let table = RouteTable([RoutedModel(name: "fraud", versions: [(1, 0)], stable: 0)])
        #expect(route(table, "fraud", text) == .unknownVersion)
    }

    @Test func anEmptyTableKnowsNothing() {
        #expect(route(RouteTable([]), "fraud") == .unknownModel)
    }
}
