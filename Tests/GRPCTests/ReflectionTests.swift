import Testing

@testable import GRPC

/// The first value with this number of a message.
private func child(_ message: [UInt8], _ number: UInt32) -> [UInt8]? {
    message.withUnsafeBytes { bytes in
        var reader = ProtobufReader(bytes)
        while reader.next() { if reader.number == number, reader.type == .bytes { return Array(reader.bytes) } }
        return nil
    }
}

/// Every value with this number of a message, as text.
private func texts(_ message: [UInt8], _ number: UInt32) -> [String] {
    message.withUnsafeBytes { bytes in
        var reader = ProtobufReader(bytes)
        var found: [String] = []
        while reader.next() {
            if reader.number == number { found.append(String(decoding: reader.bytes, as: UTF8.self)) }
        }
        return found
    }
}

@Suite struct ReflectionTests {
    private func ask(_ write: (inout ProtobufWriter) -> Void) throws -> [UInt8] {
        var request = ProtobufWriter()
        request.field(1, "host")
        write(&request)
        let answer = try request.bytes.withUnsafeBytes { try Reflection.answer($0) }
        #expect(child(answer, 1) == Array("host".utf8) && child(answer, 2) == request.bytes)
        return answer
    }

    @Test func servicesAreListed() throws {
        let list = try #require(child(try ask { $0.element(7, "") }, 6))
        let names = list.withUnsafeBytes { bytes in
            var reader = ProtobufReader(bytes)
            var names: [String] = []
            while reader.next() { names += texts(Array(reader.bytes), 1) }
            return names
        }
        #expect(
            names == [
                "inference.GRPCInferenceService", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                "grpc.reflection.v1alpha.ServerReflection",
            ])
    }

    @Test(arguments: [
        "inference.GRPCInferenceService", "inference.GRPCInferenceService.ModelInfer", "inference.ModelInferRequest",
        "inference.ModelInferRequest.InferInputTensor", "inference.DataType", "inference.ModelInferRequest.id",
    ])
    func aSymbolsFileIsFound(symbol: String) throws {
        let response = try #require(child(try ask { $0.field(4, symbol) }, 4))
        let descriptor = try #require(child(response, 1))
        #expect(texts(descriptor, 1) == ["inference.proto"] && texts(descriptor, 12) == ["proto3"])
    }

    @Test func everyFileIsFoundByName() throws {
        for file in Reflection.files {
            let response = try #require(child(try ask { $0.field(3, file.name) }, 4))
            #expect(child(response, 1) == file.descriptor)
        }
    }

    @Test func whatIsNotThereIsAnError() throws {
        for number in [3, 4] {
            let error = try #require(child(try ask { $0.field(number, "nothing") }, 7))
            #expect(error.starts(with: [0x08, 5]))
        }
        let answer = try ask { $0.message(5) { $0.field(1, "inference.ModelInferRequest") } }
        #expect(child(answer, 7) != nil)
        #expect(child(try ask { _ in }, 7)?.starts(with: [0x08, 3]) == true)
        #expect(throws: GRPCStatus.self) { try [0x0a, 0x05].withUnsafeBytes { try Reflection.answer($0) } }
        #expect(throws: GRPCStatus.self) { try [0x0a, 0x01, 0xff].withUnsafeBytes { try Reflection.answer($0) } }
    }

    @Test func aKnownTypeHasNoExtensions() throws {
        let answer = try ask { $0.field(6, "inference.ModelInferRequest") }
        let numbers = try #require(child(answer, 5))
        #expect(child(numbers, 1) == Array("inference.ModelInferRequest".utf8))
    }
}
