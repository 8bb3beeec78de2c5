import Foundation
import Testing

@testable import GRPC

@Suite struct StatusTests {
    @Test func theContractsStatuses() {
        let codes: [(Int, GRPCStatus.Code)] = [
            (400, .invalidArgument), (401, .unauthenticated), (403, .permissionDenied), (404, .notFound),
            (405, .unimplemented), (413, .resourceExhausted), (429, .resourceExhausted), (431, .resourceExhausted),
            (499, .cancelled), (500, .internal), (503, .unavailable), (504, .deadlineExceeded),
        ]
        for (status, code) in codes { #expect(GRPCStatus(httpStatus: status, "x").code == code, "\(status)") }
    }

    @Test func codesHaveTheirNumbers() {
        #expect(GRPCStatus.Code.allCases.map(\.rawValue) == Array(0...16))
        #expect(GRPCStatus.Code.deadlineExceeded.rawValue == 4 && GRPCStatus.Code.unauthenticated.rawValue == 16)
    }

    @Test(arguments: [
        ("plain text: [1, 2]", "plain text: [1, 2]"), ("100%", "100%25"), ("ü", "%C3%BC"), ("a\nb", "a%0Ab"),
        ("\u{7f}", "%7F"), ("", ""),
    ])
    func messagesAreEncoded(message: String, encoded: String) {
        #expect(String(decoding: GRPCStatus(.internal, message).percentEncodedMessage, as: UTF8.self) == encoded)
    }

    @Test(arguments: 0..<20)
    func base64IsFoundations(count: Int) {
        let bytes = (0..<count).map { UInt8($0 * 37 & 255) }
        let theirs = Data(bytes).base64EncodedString().replacing("=", with: "")
        #expect(String(decoding: GRPCStatus.base64(bytes), as: UTF8.self) == theirs)
    }

    @Test func theFieldOfAMessage() {
        #expect(GRPCStatus(.invalidArgument, "inputs[0].shape: expected a, got b").field?.name == "inputs[0].shape")
        #expect(
            GRPCStatus(.invalidArgument, "inputs[0].shape: expected a, got b").field?.description == "expected a, got b"
        )
        #expect(GRPCStatus(.invalidArgument, "two words: x").field == nil)
        #expect(GRPCStatus(.invalidArgument, "no colon").field == nil)
    }
}
