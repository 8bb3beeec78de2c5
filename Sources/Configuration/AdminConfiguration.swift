// The admin plane's port, and whose tokens it believes.

public struct AdminConfiguration: Sendable, Equatable {
    public struct Token: Sendable, Equatable {
        /// What the audit log calls its holder.
        public internal(set) var name: String
        /// viewer, operator or admin.
        public internal(set) var role: String
        /// Of the token, 64 hexadecimal digits.
        public internal(set) var sha256: String
    }

    public static let roles = ["viewer", "operator", "admin"]
    public static let tokensMax = 256

    public internal(set) var address = "127.0.0.1"
    /// 0: a free one.
    public internal(set) var port = 9901
    /// Empty: on loopback anybody is `anonymous`; elsewhere an error.
    public internal(set) var tokens: [Token] = []
}

extension ConfigurationLoader {
    static func readAdminTokens(_ value: YAMLValue?) throws(ConfigurationError) -> [AdminConfiguration.Token] {
        var tokens: [AdminConfiguration.Token] = []
        for item in try value?.items(countMax: AdminConfiguration.tokensMax) ?? [] {
            let fields = try item.fields(["name", "role", "sha256"])
            let (name, role) = (try fields.required("name"), try fields.required("role"))
            let digest = try fields.required("sha256")
            let token = AdminConfiguration.Token(
                name: try name.text(), role: try role.text(), sha256: try digest.text())
            guard ModelIdentifier.isName(token.name) else { throw name.expected(ModelIdentifier.nameExpectation) }
            guard token.name != "anonymous" else { throw name.error("anonymous is who has no token") }
            guard AdminConfiguration.roles.contains(token.role) else {
                throw role.expected("one of \(AdminConfiguration.roles.joined(separator: ", "))")
            }
            guard token.sha256.utf8.count == 64, token.sha256.allSatisfy(\.isHexDigit) else {
                throw digest.error("expected the SHA-256 of the token, 64 hexadecimal digits")
            }
            guard !tokens.contains(where: { $0.name == token.name }) else { throw name.error("stands twice") }
            tokens.append(token)
        }
        return tokens
    }
}
